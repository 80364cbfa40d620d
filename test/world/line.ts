// The line between the product and an EHR, as the outbound proxy of a registration: it can be cut, made
// silent, and mended again, while the EHR itself goes on.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface Line {
  /** For the setting `proxy` of a registration. */
  url: string
  /** Ends every connection and refuses new ones. */
  cut(): void
  /** Nothing passes any more, and nothing ends. */
  silence(): void
  mend(): void
  /** Connections that were asked for. */
  readonly asked: number
  close(): Promise<void>
}

/** A line that works. */
export async function startLine(): Promise<Line> {
  const sockets = new Set<Socket>()
  let state: 'whole' | 'cut' | 'silent' = 'whole'
  let asked = 0
  const server = createServer((_request, response) => response.writeHead(405).end())
  server.on('connect', (request, near: Socket) => {
    asked++
    if (state === 'cut') return near.destroy()
    const [host = '', port = ''] = (request.url ?? '').split(':')
    const far = connect(Number(port), host, () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n')
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('data', chunk => state === 'silent' || other.write(chunk))
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      state = 'cut'
      drop()
    },
    silence() {
      state = 'silent'
    },
    mend() {
      if (state === 'silent') drop()
      state = 'whole'
    },
    get asked() {
      return asked
    },
    async close() {
      drop()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }

  function drop(): void {
    for (const socket of sockets) socket.destroy()
  }
}
