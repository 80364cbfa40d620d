// Whoever can write the store but holds neither a ticket nor the server key: what they change, copy,
// swap or put back costs the sessions they touch, and opens nothing.

import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { after, before, type TestContext, test } from 'node:test'
import { openRedisVault } from '../../src/vault/redis.ts'
import { buildRecordId, openRecord, type SealAddress, sealRecord } from '../../src/vault/seal.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { makePath } from './paths.ts'
import { buildRecord } from './records.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

const now = Date.now
const serverKey = createSecretKey(randomBytes(32))

interface Holder {
  address: SealAddress
  text: string
}

/** A session in the vault, and what its ticket needs to open it. */
async function store(vault: Vault, name: string): Promise<Holder> {
  const secret = randomBytes(32).toString('base64url')
  const address = { recordId: buildRecordId(name), ehr: 'general', generation: 1, secret }
  await vault.insert(address.recordId, { ...buildRecord(now()), ...seal(address, name) })
  return { address, text: name }
}

async function renew(vault: Vault, holder: Holder): Promise<Holder> {
  const address = { ...holder.address, generation: holder.address.generation + 1 }
  const next = { ...seal(address, 'renewed'), expiresAt: now() + 60_000 }
  assert.ok(await vault.replace(address.recordId, holder.address.generation, next))
  return { address, text: 'renewed' }
}

function seal(address: SealAddress, text: string) {
  return sealRecord('key-1', serverKey, address, Buffer.from(text), randomBytes)
}

/** What the ticket's holder gets. */
async function open(vault: Vault, { address }: Holder): Promise<string | undefined> {
  const record = await vault.read(address.recordId)
  const { generation } = record ?? address
  return record && openRecord(serverKey, { ...address, generation }, record)?.toString()
}

test('[V3] rows of the SQLite file that others change, swap or put back do not open', async t => {
  const path = await makePath(t)
  const vault = openSqliteVault({ path, now })
  t.after(() => vault.close())
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  const write = (sql: string, ...values: SQLInputValue[]) => db.prepare(sql).run(...values)

  const untouched = await store(vault, 'untouched')
  const victim = await store(vault, 'victim')
  const own = await store(vault, 'own')
  const other = await store(vault, 'other')
  const rolled = await store(vault, 'rolled')
  const ids = (holder: Holder) => holder.address.recordId
  const { value } = db.prepare('SELECT value FROM record WHERE id = ?').get(ids(rolled)) as {
    value: Uint8Array
  }
  const renewed = await renew(vault, rolled)
  assert.equal(await open(vault, renewed), 'renewed')

  const swap = 'UPDATE record SET value = (SELECT value FROM record WHERE id = ?) WHERE id = ?'
  write(swap, ids(victim), ids(own))
  write('UPDATE record SET key_id = ? WHERE id = ?', 'key-2', ids(other))
  write('UPDATE record SET value = ? WHERE id = ?', value, ids(rolled))
  for (const holder of [own, other, rolled]) assert.equal(await open(vault, holder), undefined)
  write('UPDATE record SET generation = 7 WHERE id = ?', ids(victim))
  assert.equal((await vault.head(ids(victim)))?.generation, 7)
  assert.equal(await open(vault, victim), undefined)
  assert.equal(await open(vault, untouched), 'untouched')
})

if (hasRedis()) {
  let server: RedisServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.close())

  test('[V13] a record that others copy or edit in Redis does not open', async (t: TestContext) => {
    const { vault } = await openRedisVault({ url: server.url }, now)
    t.after(() => vault.close())
    const untouched = await store(vault, 'untouched')
    const victim = await store(vault, 'victim')
    const own = await store(vault, 'own')
    const other = await store(vault, 'other')
    const key = ({ address }: Holder) => `fhirstorm:record:${address.recordId}`

    await server.command('copy', key(victim), key(own), 'replace')
    assert.equal(await open(vault, own), undefined)
    await server.command('hincrby', key(victim), 'generation', '1')
    assert.equal(await open(vault, victim), undefined)
    for (const edit of [
      ['hset', key(other), 'value', 'nonsense'],
      ['hdel', key(other), 'value'],
      ['hset', key(other), 'generation', 'many'],
      ['hdel', key(other), 'keyId', 'generation'],
    ]) {
      await server.command(...edit)
      assert.equal(await open(vault, other), undefined)
    }
    await server.command('set', key(other), 'no hash at all')
    await assert.rejects(open(vault, other), { code: 'vault_unavailable' })
    assert.equal(await open(vault, untouched), 'untouched')
  })

  test('[V1, V2] a dump of Redis holds no name, no secret and nothing of a session', async t => {
    const { vault } = await openRedisVault({ url: server.url }, now)
    t.after(() => vault.close())
    await store(vault, 'canary')
    const keys = (await server.command('keys', '*')).trim().split('\n')
    const dump = await Promise.all(
      keys
        .filter(key => key.startsWith('fhirstorm:record:'))
        .map(key => server.command('hgetall', key)),
    )
    assert.equal(/canary|general/.test(`${keys}${dump}`), false)
  })
}
