// The floor: node:http and undici with a fixed bearer, as lean as a proxy in Node can be. Nothing is
// judged, logged, counted or rewritten, and nobody is logged in.

import { createServer } from 'node:http'
// The product's own undici, not that of a peer.
import { Pool } from '../../node_modules/undici/index.js'

const { PORT, UPSTREAM, TOKEN } = process.env
const pool = new Pool(UPSTREAM, { connections: 64, pipelining: 1 })
const headers = ['authorization', `Bearer ${TOKEN}`, 'accept', 'application/fhir+json']

const server = createServer((request, response) => {
  const { method, url: path } = request
  pool.dispatch(
    { method, path, headers },
    {
      onRequestStart() {},
      onResponseStart(_controller, status, answered) {
        const { 'content-type': type, 'content-length': length, etag } = answered
        response.writeHead(status, ['content-type', type, 'content-length', length, 'etag', etag])
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return
        controller.pause()
        response.once('drain', () => controller.resume())
      },
      onResponseEnd: () => response.end(),
      onResponseError: () => response.destroy(),
    },
  )
})
server.listen(Number(PORT), '127.0.0.1')
