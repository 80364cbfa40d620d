// The connection to Redis, step by step, over a library of the test's own: what is sent, what is refused, and which
// connection takes the place of which.

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openRedisLink } from '../../src/vault/redis-link.ts'

/** What the link does to time out a command. */
const DEADLINE_MS = 1_500

/** A connection that connects and answers when the test says so. */
class Client extends EventEmitter {
  readonly clientSideCache = new EventEmitter()
  readonly connected = Promise.withResolvers<void>()
  readonly sent: PromiseWithResolvers<unknown>[] = []
  isDestroyed = false

  connect(): Promise<void> {
    return this.connected.promise
  }

  sendCommand(): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>()
    this.sent.push(answer)
    return answer.promise
  }

  destroy(): void {
    this.isDestroyed = true
  }
}

/** A link, the connections that it has made, and how often it said that anything may have changed. */
function open(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clients: Client[] = []
  const changes: (string | undefined)[] = []
  const library = {
    RESP_TYPES: { BLOB_STRING: 36 },
    createClient() {
      const client = new Client()
      clients.push(client)
      return client
    },
  } as unknown as typeof import('redis')
  const link = openRedisLink(library, { url: 'redis://127.0.0.1' }, key => void changes.push(key))
  t.after(() => link.close())
  const connect = async () => {
    clients.at(-1)?.connected.resolve()
    await turn()
  }
  return { link, clients, changes, connect }
}

/** What a command is refused with, if that is at once. */
async function refusal(sent: Promise<unknown>): Promise<unknown> {
  return await Promise.race([sent.catch(error => `${error.code}: ${error.detail}`), turn()])
}

test('[V11] nothing is sent over a connection that is not there yet', async t => {
  const { link, clients, connect } = open(t)
  const none = 'vault_unavailable: Redis: no answer'
  assert.equal(await refusal(link.send('key', 'GET', 'key')), none)
  assert.equal(clients[0]?.sent.length, 0)
  await connect()
  const asked = link.send('key', 'GET', 'key')
  clients[0]?.sent[0]?.resolve('value')
  assert.equal(await asked, 'value')
})

test('[V11] one connection takes the place of one that is late, however many commands it kept waiting', async t => {
  const { link, clients, changes, connect } = open(t)
  await connect()
  const late = { code: 'vault_unavailable', detail: 'Redis: ETIMEDOUT' }
  const first = assert.rejects(link.send('key', 'GET', 'key'), late)
  t.mock.timers.tick(DEADLINE_MS / 2)
  const second = assert.rejects(link.send('key', 'GET', 'key'), late)
  t.mock.timers.tick(DEADLINE_MS / 2)
  await first
  assert.equal(clients[0]?.isDestroyed, true)
  assert.deepEqual(changes, [undefined])
  const none = 'vault_unavailable: Redis: no answer'
  assert.equal(await refusal(link.send('key', 'GET', 'key')), none)
  await connect()
  t.mock.timers.tick(DEADLINE_MS / 2)
  await second
  assert.equal(clients.length, 2)
  assert.equal(clients[1]?.isDestroyed, false)
  assert.deepEqual(changes, [undefined])
})

test('[DS13, V11] what waits for an answer is bounded in bytes, and more is not sent', async t => {
  const { link, clients, connect } = open(t)
  await connect()
  const send = () => link.send('key', 'SET', 'key', 'x'.repeat(1024 ** 2))
  const waiting = Array.from({ length: 31 }, send)
  assert.equal(await refusal(send()), 'vault_unavailable: Redis: QUEUE_FULL')
  const sent = clients[0]?.sent ?? []
  assert.equal(sent.length, 31)
  sent[0]?.resolve('OK')
  await waiting[0]
  waiting.push(send())
  for (const { resolve } of sent) resolve('OK')
  await Promise.all(waiting)
})

test('[V11] what went wrong is told by its code or by a word of the server, never in other words', async t => {
  const { link, clients, connect } = open(t)
  await connect()
  const system = Object.assign(new Error('connect canary'), { code: 'ECONNRESET' })
  const odd = Object.assign(new Error('canary'), { code: 'the canary' })
  for (const [fault, detail] of [
    [system, 'Redis: ECONNRESET'],
    [new Error('READONLY You cannot write, canary'), 'Redis: READONLY'],
    [new Error('ERR canary'), 'Redis: no answer'],
    [odd, 'Redis: no answer'],
    ['ECONNRESET canary', 'Redis: no answer'],
    [undefined, 'Redis: no answer'],
    [null, 'Redis: no answer'],
  ] as const) {
    const asked = link.send('key', 'GET', 'key')
    clients[0]?.sent.at(-1)?.reject(fault)
    await assert.rejects(asked, { code: 'vault_unavailable', detail })
  }
})
