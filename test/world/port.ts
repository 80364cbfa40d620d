// Ports for tests.

import { createServer } from 'node:net'

/** A port that was free a moment ago: for addresses that must be known before anything listens. */
export async function findPort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(done => probe.listen(0, '127.0.0.1', done))
  const { port } = probe.address() as { port: number }
  await new Promise(done => probe.close(done))
  return port
}
