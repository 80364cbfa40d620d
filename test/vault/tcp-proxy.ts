// A line to a server that a test can slow down, cut, or make silent while it stays connected.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  port: number
  /** Milliseconds by which each answer comes later. */
  delay(milliseconds: number): void
  /** From now on nothing passes on the connections that are open; new ones work. */
  silence(): void
  /** Closes every open connection. */
  cut(): void
  close(): Promise<void>
}

/** Starts a proxy to a port of this machine. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const lines = new Set<{ near: Socket; far: Socket; silent: boolean }>()
  let delayMs = 0
  const server = createServer(near => {
    const line = { near, far: connect(target, '127.0.0.1'), silent: false }
    lines.add(line)
    near.on('data', chunk => line.silent || line.far.write(chunk))
    line.far.on('data', chunk => {
      const answer = () => line.silent || line.near.destroyed || line.near.write(chunk)
      if (delayMs > 0) setTimeout(answer, delayMs).unref()
      else answer()
    })
    const drop = () => {
      lines.delete(line)
      line.near.destroy()
      line.far.destroy()
    }
    for (const side of [line.near, line.far]) side.on('error', drop).on('close', drop)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    delay(milliseconds) {
      delayMs = milliseconds
    },
    silence() {
      for (const line of lines) line.silent = true
    },
    cut,
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }

  function cut(): void {
    for (const { near, far } of lines) {
      near.destroy()
      far.destroy()
    }
  }
}
