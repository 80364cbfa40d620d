// A port that nobody has: asked for, or the next one that is free.

import { createConnection, createServer } from 'node:net'

const MAX_TRIES = 100

/** The port, or the next one that nobody listens at on this machine and that is not in `taken`. */
export async function findFreePort(from: number, taken: readonly number[] = []): Promise<number> {
  const last = Math.min(65_535, from + MAX_TRIES)
  for (let port = from; port <= last; port++) {
    if (!taken.includes(port) && (await isFree(port))) return port
  }
  throw new Error(`no port from ${from} to ${last} is free`)
}

// Somebody may listen at the other of localhost's addresses, or at all of them, which some systems allow
// beside a listener at one: then browsers would reach either.
async function isFree(port: number): Promise<boolean> {
  const heard = await Promise.all(['127.0.0.1', '::1'].map(host => answers(host, port)))
  return !heard.includes(true) && (await canListen(port))
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise(done => {
    const socket = createConnection({ host, port, timeout: 1_000 })
    const tell = (isThere: boolean) => {
      socket.destroy()
      done(isThere)
    }
    socket.once('connect', () => tell(true))
    socket.once('timeout', () => tell(true))
    socket.once('error', () => tell(false))
  })
}

function canListen(port: number): Promise<boolean> {
  return new Promise(done => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, 'localhost', () => server.close(() => done(true)))
  })
}
