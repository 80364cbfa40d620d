// The contract, kept in a real redis-server, and what is particular to a server: it dies, stops
// answering, turns read-only, is full, starts empty, is edited by others.

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { openRedisVault, type RedisVaultChoice } from '../../src/vault/redis.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { buildRecord, type Home, newId, testContract } from './contract.ts'
import { testAgainstModel } from './model.ts'
import { testProcesses } from './processes.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { startTcpProxy } from './tcp-proxy.ts'

const now = Date.now
const MINUTE = 60_000

function isUnavailable(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'vault_unavailable'
}

async function open(t: TestContext, choice: RedisVaultChoice, clock = now): Promise<Vault> {
  const { vault } = await openRedisVault(choice, clock)
  t.after(() => vault.close())
  return vault
}

async function start(t: TestContext, args: string[] = []): Promise<RedisServer> {
  const server = await startRedis(args)
  t.after(() => server.close())
  return server
}

async function insert(vault: Vault): Promise<string> {
  const id = newId()
  await vault.insert(id, buildRecord(now()))
  return id
}

async function refuses(step: () => unknown): Promise<void> {
  await assert.rejects(async () => await step(), isUnavailable)
}

async function eventually(step: () => unknown): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await step()
      return
    } catch (error) {
      if (tries > 200) throw error
      await pause(50)
    }
  }
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}

if (hasRedis()) {
  let server: RedisServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.close())

  const home: Home = {
    name: 'redis',
    lagMs: 100,
    async open(t, clock) {
      await server.command('flushall')
      const connect = async () => await open(t, { url: server.url }, clock)
      return { vault: await connect(), connect }
    },
  }

  testContract(home)
  testAgainstModel(home, 40)
  testProcesses('redis', async () => {
    await server.command('flushall')
    return { kind: 'redis', url: server.url }
  })

  test('[V11] a killed server is 503 at once, and is used again without a restart of ours', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    await vault.head(id)
    await own.kill()
    await refuses(() => vault.read(id))
    await refuses(() => vault.head(id))
    await refuses(() => vault.ping())
    await own.start()
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id), 'an acknowledged record is lost')
  })

  test('[V11] a server that stops answering is 503 in time, however many ask', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    own.pause()
    t.after(() => own.resume())
    const asked = Array.from({ length: 3_000 }, () => refuses(() => vault.read(id)))
    await Promise.all(asked)
    own.resume()
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id))
  })

  test('[V11] a slow server is 503 while it is slow', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const vault = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const id = await insert(vault)
    proxy.delay(5_000)
    await refuses(() => vault.read(id))
    proxy.delay(0)
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id))
  })

  test('[V11] a peer that vanished without a word is given up, even under load', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const vault = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const id = await insert(vault)
    proxy.silence()
    const load = setInterval(() => void vault.read(id).catch(() => undefined), 2)
    t.after(() => clearInterval(load))
    await refuses(() => vault.read(id))
    await eventually(() => vault.read(id))
  })

  test('[V11] READONLY and out of memory are 503 for writes, and reads go on', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    for (const [faulty, well, detail] of [
      ['replicaof 127.0.0.1 1', 'replicaof no one', 'Redis: READONLY'],
      ['config set maxmemory 1', 'config set maxmemory 0', 'Redis: OOM'],
    ] as const) {
      await own.command(...faulty.split(' '))
      await assert.rejects(insert(vault), { code: 'vault_unavailable', detail })
      assert.ok(await vault.read(id))
      assert.ok(await vault.head(id))
      await own.command(...well.split(' '))
      await insert(vault)
    }
  })

  test('[V11, V12] a server that comes back empty has no sessions, and nothing breaks', async t => {
    const own = await start(t, ['--appendonly', 'no'])
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    assert.ok(await vault.head(id))
    await own.kill()
    await own.start()
    await eventually(() => vault.ping())
    assert.equal(await vault.head(id), undefined)
    assert.equal(await vault.replace(id, 1, buildRecord(now())), false)
    await insert(vault)
  })

  test('[V11] a server that is not there at the start is asked once it is', async t => {
    const own = await start(t)
    await own.kill()
    const { vault, warnings } = await openRedisVault({ url: own.url }, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, ['the vault cannot be asked yet (Redis: ECONNREFUSED)'])
    await vault.verifyKeys(new Map([['key', 'mark']]))
    await refuses(() => vault.head(newId()))
    await own.start()
    await eventually(() => insert(vault))
    assert.match(await own.command('hgetall', 'fhirstorm:key-marks'), /key\nmark/)
  })

  test('[V10] a ring of other keys is refused, also where the server came late', async t => {
    const own = await start(t)
    await (await open(t, { url: own.url })).verifyKeys(new Map([['key', 'mark']]))
    const other = await open(t, { url: own.url })
    await assert.rejects(other.verifyKeys(new Map([['key', 'other']])), VaultRefusal)
    await own.kill()
    const late = await open(t, { url: own.url })
    await late.verifyKeys(new Map([['key', 'other']]))
    await own.start()
    const detail = 'the vault was sealed under another key with the id key'
    await eventually(() => assert.rejects(late.ping(), { code: 'vault_unavailable', detail }))
    await refuses(() => insert(late))
  })

  test('[V11] a wrong password is told as such, and never the password', async t => {
    const own = await start(t, ['--requirepass', 'the right one'])
    const url = `redis://:canary@127.0.0.1:${own.port}`
    const { vault, warnings } = await openRedisVault({ url }, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, ['the vault cannot be asked yet (Redis: WRONGPASS)'])
    await assert.rejects(vault.ping(), error => {
      assert.ok(error instanceof BrokerError)
      return !`${error.detail} ${error.message} ${error.stack}`.includes('canary')
    })
    const right = `redis://:the%20right%20one@127.0.0.1:${own.port}/3`
    const id = await insert(await open(t, { url: right }))
    const base = ['--no-auth-warning', '-a', 'the right one', '-n', '3']
    assert.equal(await own.command(...base, 'exists', `fhirstorm:record:${id}`), '1\n')
  })

  test('[K19] a head is a second old at most, also where nobody can tell that it changed', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const far = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const near = await open(t, { url: server.url })
    const id = await insert(near)
    assert.ok(await far.head(id))
    proxy.silence()
    await near.remove(id)
    assert.ok(await far.head(id))
    await pause(1_100)
    await refuses(() => far.head(id))
    await eventually(async () => assert.equal(await far.head(id), undefined))
  })

  test('[K19] heads are read anew after the connection was lost', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const far = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const near = await open(t, { url: server.url })
    const ids = await Promise.all(Array.from({ length: 20 }, () => insert(near)))
    for (const id of ids) assert.ok(await far.head(id))
    proxy.cut()
    await Promise.all(ids.map(id => near.remove(id)))
    await eventually(() => far.ping())
    for (const id of ids) assert.equal(await far.head(id), undefined)
  })

  test('[V8] whatever is stored has an end', async t => {
    const vault = await open(t, { url: server.url })
    await server.command('flushall')
    const id = newId()
    const endsAt = now() + 60 * MINUTE
    await vault.insert(id, buildRecord(now(), { endsAt, indexes: ['a', 'b'] }))
    await vault.insert(newId(), buildRecord(now(), { indexes: ['a'] }))
    await vault.take('taken', now() + MINUTE)
    await vault.deposit('deposit', 'sealed', now() + MINUTE)
    await vault.lease(id, 'owner', now() + MINUTE)
    const keys = (await server.command('keys', '*')).trim().split('\n')
    assert.equal(keys.length, 7)
    for (const key of keys) {
      const left = Number(await server.command('pttl', key))
      assert.ok(left > 0 && left <= 62 * MINUTE, `${key} has ${left} ms left`)
    }
    await vault.touch(id, now(), now() + 600 * MINUTE)
    await vault.replace(id, 1, { ...buildRecord(now()), expiresAt: now() + 600 * MINUTE })
    const left = Number(await server.command('pttl', `fhirstorm:record:${id}`))
    assert.ok(left > 0 && left <= 62 * MINUTE, `${left} ms left`)
  })

  test('[V8] an index forgets the records that have ended', async t => {
    let at = now()
    const vault = await open(t, { url: server.url }, () => at)
    const index = newId()
    const size = async () => Number(await server.command('zcard', `fhirstorm:index:${index}`))
    const put = async () =>
      await vault.insert(newId(), buildRecord(at, { endsAt: at + 20 * MINUTE, indexes: [index] }))
    for (let i = 0; i < 300; i++) await put()
    at += 11 * MINUTE
    await put()
    assert.equal(await size(), 301)
    assert.equal((await vault.find(index)).length, 1)
    assert.equal(await size(), 1)
    at += 21 * MINUTE
    await put()
    assert.equal(await size(), 1)
  })

  test('[V13] a time to live or an end that others wrote does not lengthen what the clock says', async t => {
    const vault = await open(t, { url: server.url })
    const id = await insert(vault)
    await server.command('persist', `fhirstorm:record:${id}`)
    await server.command('hset', `fhirstorm:record:${id}`, 'expiresAt', `${now() - 1}`)
    await eventually(async () => assert.equal(await vault.head(id), undefined))
    assert.equal(await vault.read(id), undefined)
    for (const nonsense of ['', 'NaN', 'x']) {
      await server.command('hset', `fhirstorm:record:${id}`, 'expiresAt', nonsense)
      assert.equal(await vault.read(id), undefined)
    }
  })

  test('[V14] tells of a server that may lose or evict sessions', async t => {
    const own = await start(t, ['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru'])
    const { vault, warnings } = await openRedisVault({ url: own.url }, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, [
      'Redis may evict sessions: set maxmemory-policy noeviction',
      'Redis keeps no append-only file: a restart of it ends every session',
    ])
    const well = await openRedisVault({ url: server.url }, now)
    t.after(() => well.vault.close())
    assert.deepEqual(well.warnings, [])
  })

  test('[V12] new sessions wait for the replicas that are asked for, and reads wait for nothing', async t => {
    const own = await start(t)
    const replica = await start(t, ['--replicaof', '127.0.0.1', `${own.port}`])
    await eventually(async () =>
      assert.match(await replica.command('info'), /master_link_status:up/),
    )
    const vault = await open(t, { url: own.url, waitReplicas: 1 })
    const id = await insert(vault)
    assert.equal(await replica.command('exists', `fhirstorm:record:${id}`), '1\n')
    replica.pause()
    t.after(() => replica.resume())
    const detail = 'Redis: too few replicas have it'
    const waiting = assert.rejects(vault.replace(id, 1, buildRecord(now())), { detail })
    assert.ok(await vault.read(id))
    await waiting
    replica.resume()
    await eventually(() => insert(vault))
  })

  test('[V15] ids with every kind of character are only ever data', async t => {
    const vault = await open(t, { url: server.url })
    for (const id of ['a b', 'x\r\nFLUSHALL\r\n', "']] redis.call('FLUSHALL')", '{slot}*?[]', '']) {
      await vault.insert(id, buildRecord(now(), { indexes: [id] }))
      assert.ok(await vault.read(id))
      assert.deepEqual(
        (await vault.find(id)).map(found => found.id),
        [id],
      )
      assert.equal(await vault.remove(id), true)
    }
  })
}
