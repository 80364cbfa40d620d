// What ended a connection: known by whether another request had been served on it before.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createPool } from '../../src/network/connect.ts'
import { endedUsedConnection } from '../../src/network/connection.ts'
import { createAuthority } from './certificates.ts'
import { type Listening, listen } from './listen.ts'

const authority = createAuthority()
const certificate = authority.issue('IP:127.0.0.1')
type End = (socket: Socket) => void
const orderly: End[] = [socket => socket.end(), socket => socket.destroy()]
/** A TLS socket of Node's cannot send one. */
const reset: End = socket => socket.resetAndDestroy()

/** A server that takes each connection away at its request of this number. */
async function serve(t: TestContext, last: number, end: End, tls?: object) {
  const served = new Map<Socket, number>()
  return await listen(
    t,
    ({ socket }, response) => {
      const count = (served.get(socket) ?? 0) + 1
      served.set(socket, count)
      if (count < last) response.end('good')
      else end(socket)
    },
    tls,
  )
}

async function ask(t: TestContext, { origin }: Listening, alwaysFresh = false) {
  const peer = { iss: `${origin}/fhir`, network: { reach: 'public', ca: authority.ca } } as const
  const pool = createPool(origin, peer, { alwaysFresh })
  t.after(() => pool.destroy())
  return async () => {
    try {
      const { body } = await pool.request({ path: '/', method: 'GET' })
      const text = await body.text()
      // The connection comes back a turn later.
      await pause(5)
      return text
    } catch (error) {
      return endedUsedConnection(error as Error)
    }
  }
}

for (const tls of [undefined, certificate]) {
  test(`[Q47] an end under the first request is told from one under a later, ${tls ? 'with' : 'without'} TLS`, async t => {
    for (const end of tls ? orderly : [...orderly, reset]) {
      const first = await ask(t, await serve(t, 1, end, tls))
      assert.equal(await first(), false)
      const third = await ask(t, await serve(t, 3, end, tls))
      assert.deepEqual([await third(), await third(), await third()], ['good', 'good', true])
    }
  })
}

test('[Q47] an end behind the beginning of an answer is not that of an idle connection', async t => {
  for (const begun of ['HTTP/1.1 200 OK\r\n', 'H', 'HTTP/1.1 100 Continue\r\n\r\n']) {
    for (const end of orderly) {
      const answer: End = socket => void socket.write(begun, () => end(socket))
      const third = await ask(t, await serve(t, 3, answer))
      assert.deepEqual(
        [await third(), await third(), await third()],
        ['good', 'good', false],
        begun,
      )
    }
  }
})

test('[Q47] where each request has a connection of its own, none meets the end of another', async t => {
  const server = await serve(t, 2, socket => socket.destroy())
  const fresh = await ask(t, server, true)
  for (let i = 1; i <= 4; i++) {
    assert.equal(await fresh(), 'good')
    assert.equal(server.connections, i)
  }
})

test('[Q47, PS2] what others in this process call is none of our connections, and breaks nothing', async t => {
  const server = await serve(t, 3, socket => socket.destroy())
  const mistakes: unknown[] = []
  const note = (error: unknown) => void mistakes.push(error)
  process.on('uncaughtException', note)
  t.after(() => process.off('uncaughtException', note))
  for (let i = 0; i < 2; i++) assert.equal(await (await fetch(server.origin)).text(), 'good')
  assert.deepEqual(mistakes, [])
})
