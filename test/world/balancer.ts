// The public port of several processes: each connection goes to one that is up, whichever.

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Balancer {
  close(): Promise<void>
}

/** Listens at the port; `choose` gives the port of a process. */
export async function startBalancer(port: number, choose: () => number): Promise<Balancer> {
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(choose(), '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one
        .on('error', () => other.destroy())
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
      one.pipe(other)
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
