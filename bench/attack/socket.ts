// One connection of an attacker: bytes as they are, the statuses that came back, and never an error.

import { connect, type Socket } from 'node:net'
import { type Aim, addresses } from './aim.ts'

/** Counts of what came back: by status, and how many connections ended without one. */
export type Tally = Record<string, number>

export interface Line {
  socket: Socket
  /** Resolves when the connection is over. */
  over: Promise<void>
}

/** Opens a connection from the attacker's address, and counts the answers that it brings. */
export function openLine({ port }: Aim, tally: Tally): Line {
  const socket = connect({ port, host: '127.0.0.1', localAddress: addresses.attacker })
  const { promise: over, resolve } = Promise.withResolvers<void>()
  let answers = 0
  socket.on('data', chunk => {
    for (const [, status = ''] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      answers++
      tally[status] = (tally[status] ?? 0) + 1
    }
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    if (answers === 0) tally.none = (tally.none ?? 0) + 1
    resolve()
  })
  return { socket, over }
}

/** One request on a connection of its own; resolves when it is over. */
export async function ask(aim: Aim, tally: Tally, pieces: readonly (string | Buffer)[]) {
  const { socket, over } = openLine(aim, tally)
  for (const piece of pieces) socket.write(piece)
  await over
}

/** The head of a request that ends its connection. */
export function head({ host }: Aim, line: string, headers: Record<string, string> = {}): string {
  const all = { host, connection: 'close', 'x-csrf': '1', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n`
}
