// A connection on which undici sends one request after the other, as far as undici does not look after it
// itself: answers of 100 are skipped, and what ends it is known by how often it had been used.

import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { createInterimFilter, type InterimFilter } from './interim.ts'

interface Connection {
  filter: InterimFilter
  requests: number
}

const connections = new WeakMap<Socket, Connection>()
const endsOfUsed = new WeakSet<Error>()

subscribe('undici:client:sendHeaders', message => {
  const connection = connections.get((message as { socket: Socket }).socket)
  if (connection === undefined) return
  connection.requests++
  connection.filter.expect()
})

/** Looks after a new connection; gives the same socket. */
export function watchConnection<T extends Socket>(socket: T): T {
  const connection = { filter: createInterimFilter(), requests: 0 }
  connections.set(socket, connection)
  socket.on('error', error => {
    if (connection.requests > 1) endsOfUsed.add(error)
  })
  const read = socket.read.bind(socket)
  socket.read = (size?: number) => {
    for (;;) {
      const chunk: Buffer | null = read(size)
      const passed = chunk === null ? null : connection.filter.pass(chunk)
      if (chunk === null || passed !== null) return passed
    }
  }
  return socket
}

/**
 * Whether this error ended a connection that had served another request before: it may have been closed
 * for being idle, before the other side saw what was sent (RFC 9110 9.2.2, RFC 9112 9.3.1).
 */
export function endedUsedConnection(error: Error): boolean {
  return endsOfUsed.has(error)
}
