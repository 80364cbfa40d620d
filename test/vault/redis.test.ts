// The contract, kept in a real redis-server, and what others may find or write there.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { openRedisVault } from '../../src/vault/redis.ts'
import { createAuthority } from '../network/certificates.ts'
import { findPort } from '../world/port.ts'
import { testContract } from './contract.ts'
import type { Home } from './home.ts'
import { testAgainstModel } from './model.ts'
import { makePath } from './paths.ts'
import { testProcesses } from './processes.ts'
import { buildRecord, newId } from './records.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { eventually, insert, open, refuses, start } from './redis-steps.ts'

const now = Date.now
const MINUTE = 60_000

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

  test('[V8] whatever is stored has an end', async t => {
    const vault = await open(t, { url: server.url })
    await server.command('flushall')
    const id = newId()
    const endsAt = now() + 60 * MINUTE
    await vault.insert(id, buildRecord(now(), { endsAt, indexes: ['a', 'b'] }))
    await vault.insert(newId(), buildRecord(now(), { indexes: ['a'] }))
    await vault.take('taken', now() + MINUTE)
    await vault.deposit('deposit', 'sealed', now() + MINUTE)
    await vault.lease(id, 'owner', MINUTE)
    const keys = (await server.command('keys', '*')).trim().split('\n')
    // The instances' own come and go.
    assert.equal(keys.filter(key => !key.includes('{instances}')).length, 7)
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
    await eventually(async () => assert.equal(await size(), 1))
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

  test('[F13] a lease from before the server’s clock was set back holds nobody up', async t => {
    const vault = await open(t, { url: server.url })
    const id = newId()
    assert.equal(await vault.lease(id, 'one', MINUTE), true)
    for (const [ahead, isGranted] of [
      [1.5, false],
      [600, true],
    ] as const) {
      const until = `${now() + ahead * MINUTE}`
      await server.command('hset', `fhirstorm:lease:${id}`, 'until', until)
      assert.equal(await vault.lease(id, 'two', MINUTE), isGranted)
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

  test('[V14] over TLS the server proves itself, by the authority that is configured', async t => {
    const authority = createAuthority()
    const startTls = async (names: string) => {
      const folder = dirname(await makePath(t))
      await mkdir(folder)
      const { cert, key } = authority.issue(names)
      await writeFile(join(folder, 'cert.pem'), cert)
      await writeFile(join(folder, 'key.pem'), key)
      const port = await findPort()
      const files = ['--tls-cert-file', 'cert.pem', '--tls-key-file', 'key.pem']
      await start(t, [
        ...['--tls-port', `${port}`, '--tls-auth-clients', 'no', '--requirepass', 'secret'],
        ...files.map(arg => (arg.endsWith('.pem') ? join(folder, arg) : arg)),
      ])
      return `rediss://:secret@127.0.0.1:${port}`
    }
    const url = await startTls('IP:127.0.0.1')
    assert.ok(await insert(await open(t, { url, ca: authority.ca })))

    const unknown = await openRedisVault({ url }, now)
    t.after(() => unknown.vault.close())
    assert.deepEqual(unknown.warnings, [
      'the vault cannot be asked yet (Redis: UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    ])
    await refuses(() => insert(unknown.vault))
    const other = { url: await startTls('DNS:redis.test'), ca: authority.ca }
    const { vault, warnings } = await openRedisVault(other, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, [
      'the vault cannot be asked yet (Redis: ERR_TLS_CERT_ALTNAME_INVALID)',
    ])
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
