// The contract, kept in a real redis-server, and what is particular to a server: it dies, stops
// answering, turns read-only, is full, starts empty.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { openRedisVault as open } from '../../src/vault/redis.ts'
import { buildRecord, newId, testContract } from './contract.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

const now = Date.now
const openRedisVault = async (choice: { url: string }, clock: () => number) =>
  (await open(choice, clock)).vault
const isUnavailable = (error: unknown) =>
  error instanceof BrokerError && error.code === 'vault_unavailable'

if (hasRedis()) {
  let server: RedisServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.close())

  testContract({
    name: 'redis',
    lagMs: 100,
    async open(t, clock) {
      const connect = async () => {
        const vault = await openRedisVault({ url: server.url }, clock)
        t.after(() => vault.close())
        return vault
      }
      const { createClient } = await import('redis')
      const client = await createClient({ url: server.url }).connect()
      await client.flushAll()
      await client.close()
      return { vault: await connect(), connect }
    },
  })

  test('[V11] a killed server is 503 at once, and recovers without a restart of ours', async t => {
    const own = await startRedis()
    t.after(() => own.close())
    const vault = await openRedisVault({ url: own.url }, now)
    t.after(() => vault.close())
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    await vault.head(id)
    await own.kill()
    await assert.rejects(async () => vault.read(id), isUnavailable)
    await new Promise(done => setTimeout(done, 1100))
    await assert.rejects(async () => vault.head(id), isUnavailable)
    await assert.rejects(vault.ping(), isUnavailable)
    await own.start()
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id), 'an acknowledged record is lost')
  })

  test('[V11] a server that stops answering is 503 within two seconds', async t => {
    const own = await startRedis()
    t.after(() => own.close())
    const vault = await openRedisVault({ url: own.url }, now)
    t.after(() => vault.close())
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    own.pause()
    t.after(() => own.resume())
    const began = performance.now()
    await assert.rejects(vault.read(id), isUnavailable)
    assert.ok(performance.now() - began < 2_500)
    own.resume()
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id))
  })

  test('[V11] READONLY and out of memory are 503, and reads go on', async t => {
    const { createClient } = await import('redis')
    const own = await startRedis()
    t.after(() => own.close())
    const vault = await openRedisVault({ url: own.url }, now)
    const admin = createClient({ url: own.url }).on('error', () => {})
    await admin.connect()
    t.after(() => Promise.all([vault.close(), admin.close()]))
    const tell = (...command: string[]) => eventually(() => admin.sendCommand(command))
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    await tell('REPLICAOF', '127.0.0.1', '1')
    await eventually(() => vault.ping())
    await assert.rejects(vault.insert(newId(), buildRecord(now())), isUnavailable)
    assert.ok(await vault.read(id))
    await tell('REPLICAOF', 'NO', 'ONE')
    await tell('CONFIG', 'SET', 'maxmemory', '1')
    await eventually(() => vault.ping())
    await assert.rejects(vault.insert(newId(), buildRecord(now())), isUnavailable)
    assert.ok(await vault.read(id))
    await tell('CONFIG', 'SET', 'maxmemory', '0')
    await vault.insert(newId(), buildRecord(now()))
  })

  test('[V11] a server that comes back empty has no sessions, and nothing breaks', async t => {
    const own = await startRedis(['--appendonly', 'no'])
    t.after(() => own.close())
    const vault = await openRedisVault({ url: own.url }, now)
    t.after(() => vault.close())
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    assert.ok(await vault.head(id))
    await own.kill()
    await own.start()
    await eventually(() => vault.ping())
    assert.equal(await vault.head(id), undefined)
    const next = { keyId: 'k', value: Buffer.alloc(9), expiresAt: now() + 60_000 }
    assert.equal(await vault.replace(id, 1, next), false)
  })

  test('no server at the start is a refusal, within its deadline', async () => {
    await assert.rejects(openRedisVault({ url: 'redis://127.0.0.1:1' }, now), isUnavailable)
  })

  test('[V14] tells of a server that may lose or evict sessions', async t => {
    const own = await startRedis(['--appendonly', 'no', '--maxmemory', '100mb'])
    t.after(() => own.close())
    const { createClient } = await import('redis')
    const admin = await createClient({ url: own.url }).connect()
    await admin.configSet('maxmemory-policy', 'allkeys-lru')
    await admin.close()
    const { vault, warnings } = await open({ url: own.url }, now)
    t.after(() => vault.close())
    assert.equal(warnings.length, 2)
    assert.match(warnings.join(), /noeviction.*appendonly yes/)
  })

  test('[V15] ids with every kind of character are only ever data', async t => {
    const vault = await openRedisVault({ url: server.url }, now)
    t.after(() => vault.close())
    for (const id of ['a b', 'x\r\nFLUSHALL\r\n', "']] redis.call('FLUSHALL')", '{slot}*?[]']) {
      await vault.insert(id, buildRecord(now()))
      assert.ok(await vault.read(id))
      assert.equal(await vault.remove(id), true)
    }
  })
}

async function eventually(step: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await step()
      return
    } catch (error) {
      if (tries > 100) throw error
      await new Promise(done => setTimeout(done, 50))
    }
  }
}
