// Races over real sockets, which are refused and stay silent as those of a network are.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { race } from '../../src/network/race.ts'

const HERE = '127.0.0.2'
const SILENT = '127.0.0.3'
const NOBODY = '127.0.0.4'

/** Listens at one address alone of this machine; gives the port. */
async function listenAt(t: TestContext, host: string): Promise<number> {
  const server = createServer(socket => socket.on('error', () => {}).resume())
  t.after(() => server.close())
  server.listen(0, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Who listens and takes nobody: once as many wait as may, the kernel answers no further one. */
async function listenSilently(t: TestContext, host: string, port: number): Promise<void> {
  const code = `
    const { createServer } = require('node:net')
    const { parentPort, workerData } = require('node:worker_threads')
    createServer().listen({ ...workerData, backlog: 1 }, () => {
      parentPort.postMessage('listens')
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })`
  const worker = new Worker(code, { eval: true, workerData: { host, port } })
  t.after(() => worker.terminate())
  await once(worker, 'message')
  const waiting = Array.from({ length: 16 }, () => connect(port, host).on('error', () => {}))
  t.after(() => {
    for (const socket of waiting) socket.destroy()
  })
  await Promise.race(waiting.map(socket => once(socket, 'connect')))
}

function run(t: TestContext, port: number, addresses: readonly string[]) {
  const found = addresses.map(address => ({ address, family: 4 }))
  return new Promise<Socket | string | undefined>(done => {
    const options = { timeoutMs: 10_000, headStartMs: 20 }
    race(
      tell => tell(null, found),
      port,
      options,
      (error, socket) => {
        t.after(() => socket?.destroy())
        done(socket ?? (error as NodeJS.ErrnoException).code)
      },
    )
  })
}

test('an address that refuses, and one that stays silent, are passed over for one that answers', async t => {
  const port = await listenAt(t, HERE)
  await listenSilently(t, SILENT, port)
  const winner = await run(t, port, [NOBODY, SILENT, HERE])
  assert.ok(typeof winner === 'object')
  assert.equal(winner.remoteAddress, HERE)
  assert.deepEqual(await once(winner.end('x'), 'close'), [false], 'without an error')
})

test('[PS1] where all refuse, the code of the system is the outcome', async t => {
  const port = await listenAt(t, HERE)
  assert.equal(await run(t, port, [NOBODY, '127.0.0.5']), 'ECONNREFUSED')
})
