// What a server does to a connection besides answering on it: closing it when it was idle, or under a
// second request, and interim answers that nobody asked for (RFC 9110 15.2).

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface Manner {
  /** Closes a connection that was idle for so many milliseconds. */
  idleMs?: number
  /** Seconds that Keep-Alive promises meanwhile; nothing is said of it unless given. */
  promises?: number
  /** What becomes of a connection's second request, before any byte of an answer. */
  reused?: 'close' | 'reset'
  /** Statuses of the interim answers before each answer. */
  interim?: readonly (100 | 102 | 103)[]
}

const HINTS = { link: '</style.css>; rel=preload; as=style' }

const answered = new WeakSet<Socket>()
const closing = new WeakMap<Socket, NodeJS.Timeout>()

/** Begins a request in a manner; false when its connection was taken away instead of an answer. */
export function greet(req: IncomingMessage, res: ServerResponse, manner: Manner): boolean {
  const { socket } = req
  clearTimeout(closing.get(socket))
  if (manner.reused !== undefined && answered.has(socket)) {
    if (manner.reused === 'reset') socket.resetAndDestroy()
    else socket.destroy()
    return false
  }
  answered.add(socket)
  if (manner.idleMs !== undefined) closeWhenIdle(socket, res, manner)
  for (const status of manner.interim ?? []) announce(res, status)
  return true
}

function closeWhenIdle(socket: Socket, res: ServerResponse, { idleMs, promises }: Manner): void {
  res.setHeader('connection', 'keep-alive')
  if (promises !== undefined) res.setHeader('keep-alive', `timeout=${promises}`)
  res.once('finish', () => {
    closing.set(
      socket,
      setTimeout(() => socket.destroy(), idleMs),
    )
  })
  socket.once('close', () => clearTimeout(closing.get(socket)))
}

function announce(res: ServerResponse, status: 100 | 102 | 103): void {
  if (status === 100) res.writeContinue()
  else if (status === 102) res.writeProcessing()
  else res.writeEarlyHints(HINTS)
}
