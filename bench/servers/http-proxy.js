// Peer: bare @fastify/http-proxy with a fixed bearer, and neither session nor authentication.

import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'

const { PORT, UPSTREAM, TOKEN } = process.env
const app = fastify()
app.register(httpProxy, {
  upstream: UPSTREAM,
  prefix: '/fhir',
  rewritePrefix: '/fhir',
  undici: { connections: 64, pipelining: 1 },
  replyOptions: {
    rewriteRequestHeaders: (_request, headers) => ({
      ...headers,
      authorization: `Bearer ${TOKEN}`,
    }),
  },
})
await app.listen({ host: '127.0.0.1', port: Number(PORT) })
