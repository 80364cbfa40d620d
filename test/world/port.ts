// Ports for tests.

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that systems give to outgoing connections, of which tests make thousands. */
const [FIRST, LAST] = [12_000, 32_000]
const MOST_TRIES = 100

/** A port that was free a moment ago: for addresses that must be known before anything listens. */
export async function findPort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(FIRST, LAST)
    if (await isFree(port)) return port
    if (tries === MOST_TRIES) throw new Error('no port is free')
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  const isOpen = await promise
  if (isOpen) await new Promise(done => probe.close(done))
  return isOpen
}
