// Peer: express with express-openid-connect (the session lies in an encrypted cookie) and
// http-proxy-middleware.

import { Agent } from 'node:http'
import express from 'express'
import oidc from 'express-openid-connect'
import { createProxyMiddleware } from 'http-proxy-middleware'

const { PORT, UPSTREAM, ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env
const app = express()
app.use(
  oidc.auth({
    issuerBaseURL: ISSUER,
    baseURL: `http://127.0.0.1:${PORT}`,
    clientID: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    secret: 'a session secret that is long enough',
    authRequired: true,
    authorizationParams: { response_type: 'code', scope: 'openid profile' },
  }),
)
app.use(
  createProxyMiddleware({
    target: UPSTREAM,
    agent: new Agent({ keepAlive: true, maxSockets: 64 }),
    on: {
      proxyReq(proxied, request) {
        proxied.setHeader('authorization', `Bearer ${request.oidc.accessToken.access_token}`)
        proxied.removeHeader('cookie')
      },
    },
  }),
)
app.listen(Number(PORT), '127.0.0.1')
