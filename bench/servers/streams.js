// The floor: streams of node:http, each with a head and one event of the size of ours, and nothing else.

import { createServer } from 'node:http'

const { PORT } = process.env
const event = `event: sessions\ndata: ${JSON.stringify('x'.repeat(600))}\n\n`

createServer((_request, response) => {
  response.writeHead(200, ['content-type', 'text/event-stream', 'cache-control', 'no-store'])
  response.write(event)
}).listen(Number(PORT), () => process.send?.('up'))
