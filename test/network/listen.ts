// Servers on free loopback ports that end with their test, whatever state their sockets are in.

import * as http from 'node:http'
import * as https from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface Listening {
  origin: string
  port: number
  /** Connections made so far. */
  connections: number
}

/** An HTTP server, or HTTPS where a certificate is given. */
export async function listen(
  t: TestContext,
  handler: http.RequestListener,
  tls?: https.ServerOptions,
): Promise<Listening> {
  const server = tls ? https.createServer(tls, handler) : http.createServer(handler)
  return await start(t, server, tls ? 'https' : 'http')
}

/** A server of raw bytes, for answers that no HTTP library would send. */
export async function listenRaw(
  t: TestContext,
  onSocket: (socket: Socket) => void,
): Promise<Listening> {
  return await start(t, createServer(onSocket), 'http')
}

/** Starts any server on 127.0.0.1. */
export async function start(t: TestContext, server: Server, scheme: string): Promise<Listening> {
  const sockets = new Set<Socket>()
  const listening = { origin: '', port: 0, connections: 0 }
  server.on('connection', socket => {
    listening.connections++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  listening.port = (server.address() as AddressInfo).port
  listening.origin = `${scheme}://127.0.0.1:${listening.port}`
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return listening
}
