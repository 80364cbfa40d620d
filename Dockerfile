# The production image: compiled code and production dependencies alone; no sandbox, no demo, no tests.
# By digest: --build-arg NODE_IMAGE=node@sha256:…; which commit it is: --build-arg COMMIT=$(git rev-parse HEAD)
ARG NODE_IMAGE=node:26-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY runtime runtime
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY program program
COPY src src
COPY plugins plugins
COPY client client
# Noted beside the compiled program, and told as fhirstorm_build_info.
ARG COMMIT
RUN npm run build && npm prune --omit=dev --omit=optional && rm node_modules/fhirstorm-runtime

FROM ${NODE_IMAGE}
ARG COMMIT=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title=fhirstorm \
    org.opencontainers.image.description="SMART on FHIR backend-for-frontend" \
    org.opencontainers.image.licenses=Apache-2.0 \
    org.opencontainers.image.version=${VERSION} \
    org.opencontainers.image.revision=${COMMIT}
ENV NODE_ENV=production \
    FHIRSTORM_DEFAULT_HOST=0.0.0.0 \
    FHIRSTORM_DATA_DIR=/data \
    NODE_OPTIONS=--disable-sigusr1
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json openapi.yaml LICENSE ./
COPY bin bin
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "bin/fhirstorm.js", "healthcheck"]
# The same options as `npm start`; the second is none that NODE_OPTIONS takes.
ENTRYPOINT ["node", "--disable-sigusr1", "--max-semi-space-size=16", "--external-memory-accounted-in-global-limit", "bin/fhirstorm.js"]
CMD ["start"]
