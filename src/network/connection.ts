// A connection on which undici sends one request after the other, as far as undici does not look after it
// itself: answers of 100 are skipped, endless interim ones end it, and whether an end came before any answer
// of a connection that had been used is known.

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
  const { filter } = connection
  connections.set(socket, connection)
  socket.on('error', error => {
    if (connection.requests > 1 && filter.isSilent) endsOfUsed.add(error)
  })
  const read = socket.read.bind(socket)
  socket.read = (size?: number) => {
    for (;;) {
      const chunk: Buffer | null = read(size)
      if (chunk === null) return null
      const passed = passOrEnd(chunk)
      if (passed !== null || socket.destroyed) return passed
    }
  }
  return socket

  function passOrEnd(chunk: Buffer): Buffer | null {
    try {
      return filter.pass(chunk)
    } catch (error) {
      socket.destroy(error as Error)
      return null
    }
  }
}

/**
 * Whether this error ended a connection that had served another request before, with no byte of an answer:
 * it may have been closed for being idle, before the other side saw what was sent (RFC 9110 9.2.2, RFC
 * 9112 9.3.1).
 */
export function endedUsedConnection(error: Error): boolean {
  return endsOfUsed.has(error)
}
