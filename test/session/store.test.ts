// Sessions in the vault: their limits, their cache, and what happens to records that were meddled with.

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import type { OpenSession } from '../../src/session/session.ts'
import { openRedisVault } from '../../src/vault/redis.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import { makePath } from '../vault/paths.ts'
import { hasRedis, startRedis } from '../vault/redis-server.ts'
import { buildStore, buildTokens, createClock, HOUR, ISS, MINUTE } from './sessions.ts'

const isInvalid = (error: unknown) =>
  error instanceof BrokerError && error.code === 'session_invalid'
const begin = (parts: ReturnType<typeof buildStore>, browser = 'browser') =>
  parts.store.begin(ISS, buildTokens(parts.clock.now()), browser, 'general')
const slide = { slide: true }

test('a session opens with its ticket and with no other', async () => {
  const parts = buildStore()
  const made = await begin(parts)
  const open = await parts.store.open(made.ticket, slide)
  assert.equal(open.session.tokens.accessToken, 'access-1')
  const other = { ...made.ticket, secret: (await begin(parts)).ticket.secret }
  await assert.rejects(async () => parts.another().open(other, slide), isInvalid)
  await assert.rejects(async () => parts.store.open(other, slide), isInvalid)
  await assert.rejects(
    async () => parts.another().open({ ...made.ticket, ehr: 'b' }, slide),
    isInvalid,
  )
})

test('[K14] ticket ids and secrets are random: 128 and 256 bits', async () => {
  const parts = buildStore()
  const seen = new Set<string>()
  for (let i = 0; i < 200; i++) {
    const { ticket } = await begin(parts)
    assert.equal(Buffer.from(ticket.id, 'base64url').length, 16)
    assert.equal(Buffer.from(ticket.secret, 'base64url').length, 32)
    seen.add(ticket.id).add(ticket.secret)
  }
  assert.equal(seen.size, 400)
})

test("[K6] the idle limit is the server's: use extends it, reading without slide does not", async () => {
  const parts = buildStore()
  const { ticket } = await begin(parts)
  parts.clock.pass(14 * MINUTE)
  await parts.store.open(ticket, slide)
  parts.clock.pass(14 * MINUTE)
  await parts.store.open(ticket, { slide: false })
  parts.clock.pass(2 * MINUTE)
  await assert.rejects(async () => parts.store.open(ticket, slide), isInvalid)
})

test('[K7] the absolute limit ends a session however much it is used', async () => {
  const parts = buildStore()
  const made = await begin(parts)
  for (let passed = 0; passed < 12 * HOUR - 10 * MINUTE; passed += 10 * MINUTE) {
    parts.clock.pass(10 * MINUTE)
    await parts.store.open(made.ticket, slide)
  }
  parts.clock.pass(10 * MINUTE)
  await assert.rejects(async () => parts.store.open(made.ticket, slide), isInvalid)
})

test('[K7, V13] a store writer who stretches the expiry does not stretch the session (SQLite)', async t => {
  const clock = createClock()
  const path = await makePath(t)
  const vault = openSqliteVault({ path, now: clock.now })
  t.after(() => vault.close())
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  await outlastsItsEnd(buildStore({ clock, vault }), until => {
    db.prepare('UPDATE record SET expires_at = ?1, ends_at = ?1').run(until)
  })
})

test('[K7, V13] a store writer who stretches the expiry does not stretch the session (Redis)', {
  skip: !hasRedis(),
}, async t => {
  const server = await startRedis()
  t.after(() => server.close())
  const clock = createClock(Date.now())
  const { vault } = await openRedisVault({ url: server.url }, clock.now)
  t.after(() => vault.close())
  await outlastsItsEnd(buildStore({ clock, vault }), async (until, recordId) => {
    const key = `fhirstorm:record:${recordId}`
    await server.command('hset', key, 'expiresAt', `${until}`, 'endsAt', `${until}`)
    await server.command('persist', key)
  })
})

/** Holds that the end inside the seal counts, for one that is open in a process and for one that is not. */
async function outlastsItsEnd(
  parts: ReturnType<typeof buildStore>,
  stretch: (until: number, recordId: string) => unknown,
): Promise<void> {
  for (const open of [parts.store, parts.another()].map(({ open }) => open)) {
    const made = await begin(parts)
    const until = parts.clock.now() + 100 * HOUR
    await stretch(until, made.recordId)
    parts.clock.pass(11 * HOUR)
    assert.ok(await open(made.ticket, { slide: false }))
    parts.clock.pass(HOUR)
    assert.equal((await parts.vault.read(made.recordId))?.expiresAt, until)
    await assert.rejects(async () => open(made.ticket, { slide: false }), isInvalid)
    assert.equal(await parts.vault.read(made.recordId), undefined)
  }
}

test('[K5, K19] a session that ends while its use is noted lets nobody through', async () => {
  const parts = buildStore()
  const { touch } = parts.vault
  parts.vault.touch = async (id, ...times) => {
    await parts.vault.remove(id)
    return await touch(id, ...times)
  }
  const { ticket } = await begin(parts)
  parts.clock.pass(2 * MINUTE)
  await assert.rejects(async () => parts.store.open(ticket, slide), isInvalid)
  assert.equal(parts.store.recall(ticket), undefined)
})

test('[O10] a session whose ending waits for the vault is opened by nobody here, and gets no new tokens', async () => {
  const parts = buildStore()
  const { store, vault, clock } = parts
  const { read, remove } = vault
  const [opened, unopened, inHand] = await Promise.all([begin(parts), begin(parts), begin(parts)])
  const elsewhere = parts.another()
  vault.remove = async () => {
    throw new BrokerError('vault_unavailable')
  }
  for (const { recordId } of [opened, inHand]) {
    await assert.rejects(store.end(recordId, { reason: 'logout' }), { code: 'vault_unavailable' })
  }
  await assert.rejects(async () => store.open(opened.ticket, slide), isInvalid)
  assert.equal(await store.replace(inHand, buildTokens(clock.now())), undefined)
  assert.ok(await elsewhere.open(opened.ticket, slide), 'others know nothing of it yet')
  // It is ended here while its record is on the way.
  const late = Promise.withResolvers<void>()
  vault.read = async id => {
    const record = await read(id)
    await late.promise
    return record
  }
  const opening = elsewhere.open(unopened.ticket, slide)
  await assert.rejects(elsewhere.end(unopened.recordId, { reason: 'logout' }), {
    code: 'vault_unavailable',
  })
  late.resolve()
  await assert.rejects(async () => opening, isInvalid)
  Object.assign(vault, { read, remove })
})

test('a use is written at most once a minute', async () => {
  const parts = buildStore()
  let touches = 0
  const { touch } = parts.vault
  parts.vault.touch = (...args) => {
    touches++
    return touch(...args)
  }
  const { ticket } = await begin(parts)
  for (let i = 0; i < 100; i++) await parts.store.open(ticket, slide)
  assert.equal(touches, 0)
  parts.clock.pass(MINUTE + 1)
  for (let i = 0; i < 100; i++) await parts.store.open(ticket, slide)
  assert.equal(touches, 1)
})

test('an opened session is opened once, until another process has changed it', async () => {
  const parts = buildStore()
  let reads = 0
  const { read } = parts.vault
  parts.vault.read = id => {
    reads++
    return read(id)
  }
  const { ticket } = await begin(parts)
  for (let i = 0; i < 10; i++) await parts.store.open(ticket, slide)
  assert.equal(reads, 0)
  const elsewhere = parts.another()
  const open = await elsewhere.open(ticket, slide)
  await elsewhere.replace(open, buildTokens(parts.clock.now(), { accessToken: 'access-2' }))
  reads = 0
  for (let i = 0; i < 10; i++) {
    assert.equal((await parts.store.open(ticket, slide)).session.tokens.accessToken, 'access-2')
  }
  assert.equal(reads, 1)
})

test('[K5, K19] a session ended elsewhere is refused at once', async () => {
  const parts = buildStore()
  const made = await begin(parts)
  await parts.store.open(made.ticket, slide)
  await parts.another().end(made.recordId)
  await assert.rejects(async () => parts.store.open(made.ticket, slide), isInvalid)
})

test('[D14] new tokens are stored only over the generation they were got for', async () => {
  const parts = buildStore()
  const made = await begin(parts)
  const tokens = (accessToken: string) => buildTokens(parts.clock.now(), { accessToken })
  const replaced = await parts.store.replace(made, tokens('access-2'))
  assert.equal(replaced?.generation, 2)
  assert.equal(await parts.store.replace(made, tokens('access-3')), undefined)
  await parts.store.end(made.recordId)
  assert.equal(await parts.store.replace(replaced as OpenSession, tokens('access-4')), undefined)
  assert.equal(parts.vault.head(made.recordId), undefined)
})

test('[V3] swapped records and an old row put back are refused and counted', async () => {
  const parts = buildStore()
  const one = await begin(parts)
  const two = await begin(parts)
  const [first, second] = [
    await parts.vault.read(one.recordId),
    await parts.vault.read(two.recordId),
  ]
  assert.ok(first && second)
  const swap = async (id: string, from: typeof first) => {
    await parts.vault.remove(id)
    await parts.vault.insert(id, { ...from, endsAt: from.expiresAt, indexes: [] })
  }
  await swap(one.recordId, second)
  await assert.rejects(async () => parts.another().open(one.ticket, slide), isInvalid)

  const renewed = await parts.store.replace(two, buildTokens(parts.clock.now()))
  assert.ok(renewed)
  await parts.store.open(two.ticket, slide)
  await swap(two.recordId, second)
  await assert.rejects(async () => parts.store.open(two.ticket, slide), isInvalid)
  assert.deepEqual(parts.unreadable, ['general', 'general'])
})

test('[D14, V3] a session that another process renews is refused nowhere and taken for meddled with nowhere', async t => {
  // Two processes over one file; this one has read its heads once in this turn of the event loop.
  const clock = createClock()
  const path = await makePath(t)
  const [vault, theirs] = [0, 1].map(() => openSqliteVault({ path, now: clock.now })) as [
    ReturnType<typeof openSqliteVault>,
    ReturnType<typeof openSqliteVault>,
  ]
  t.after(() => Promise.all([vault.close(), theirs.close()]))
  const parts = buildStore({ clock, vault })
  const other = parts.another(theirs)
  const made = await begin(parts)
  await new Promise(done => setImmediate(done))
  await parts.store.open(made.ticket, slide)
  assert.ok(await other.replace(made, buildTokens(clock.now(), { accessToken: 'access-2' })))
  assert.equal((await parts.store.reopen(made))?.generation, 2)
  const open = await parts.store.open(made.ticket, slide)
  assert.equal(open.session.tokens.accessToken, 'access-2')
  assert.deepEqual(parts.unreadable, [])
})

test('[F10] what was swept while the clock was ahead is not there again when it is set back', async t => {
  const clock = createClock()
  const vault = openSqliteVault({ path: await makePath(t), now: clock.now })
  t.after(() => vault.close())
  const store = buildStore({ clock, vault }).store
  const { recordId, ticket } = await store.begin(
    ISS,
    buildTokens(clock.now()),
    'browser',
    'general',
  )
  assert.ok(await vault.head(recordId))
  clock.pass(HOUR)
  assert.ok((await vault.sweep()) > 0)
  clock.pass(-HOUR)
  assert.equal(await vault.read(recordId), undefined)
  assert.equal(await vault.head(recordId), undefined)
  await assert.rejects(async () => store.open(ticket, { slide: false }), {
    code: 'session_invalid',
  })
})
