// The contract that every home of the vault keeps. Each home runs this suite as it is.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import { testClaims } from './claims.ts'
import { type Home, useHome } from './home.ts'
import { buildRecord, newId } from './records.ts'

const MINUTE = 60_000

/** Registers the suite for one home. */
export function testContract(home: Home): void {
  testRecords(home)
  testClaims(home)
}

function testRecords(home: Home): void {
  const { now, open, setAhead, title } = useHome(home)

  test(title('a record is read as it was inserted'), async t => {
    const { vault, connect } = await open(t)
    const id = newId()
    const record = buildRecord(now())
    await vault.insert(id, record)
    for (const each of [vault, await connect()]) {
      const read = await each.read(id)
      assert.ok(read)
      assert.deepEqual(Buffer.from(read.value), Buffer.from(record.value))
      const { keyId, generation, lastUsedAt, expiresAt } = read
      assert.deepEqual(
        { keyId, generation, lastUsedAt, expiresAt },
        {
          keyId: 'key-1',
          generation: 1,
          lastUsedAt: record.lastUsedAt,
          expiresAt: record.expiresAt,
        },
      )
      assert.equal((await each.head(id))?.generation, 1)
    }
    assert.equal(await vault.read(newId()), undefined)
    assert.equal(await vault.head(newId()), undefined)
  })

  test(title('an id in use is refused'), async t => {
    const { vault } = await open(t)
    const id = newId()
    const record = buildRecord(now())
    await vault.insert(id, record)
    await assert.rejects(vault.insert(id, buildRecord(now())))
    assert.deepEqual(Buffer.from((await vault.read(id))?.value ?? []), Buffer.from(record.value))
  })

  test(title('[D14] of all who replace one generation, exactly one does'), async t => {
    const { vault, connect } = await open(t)
    const other = await connect()
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    const next = () => ({ keyId: 'key-2', value: randomBytes(100), expiresAt: now() + MINUTE })
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? vault : other).replace(id, 1, next())),
    )
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal((await vault.read(id))?.generation, 2)
    assert.equal((await other.read(id))?.keyId, 'key-2')
  })

  test(
    title('[D14] a record is removed at the generation that is named, and at no other'),
    async t => {
      const { vault, connect } = await open(t)
      const other = await connect()
      const id = newId()
      await vault.insert(id, buildRecord(now(), { indexes: ['entry'] }))
      assert.equal(await vault.replace(id, 1, buildRecord(now())), true)
      for (const each of [vault, other]) assert.equal(await each.remove(id, 1), false)
      assert.equal((await vault.find('entry')).length, 1)
      assert.equal(await other.isGone(id), false)
      let told = 0
      const onRemoved = () => void told++
      assert.equal(await other.remove(id, 1, onRemoved), false)
      assert.equal(await other.remove(id, 2, onRemoved), true)
      assert.equal(await vault.read(id), undefined)
      assert.equal(await vault.remove(id, 2, onRemoved), false)
      assert.equal(told, 1)
      for (const each of [vault, other]) assert.equal(await each.isGone(id), true)
      assert.deepEqual(await other.find('entry', { settled: true }), [])
    },
  )

  test(title('[F7] a late write never brings a removed record back'), async t => {
    const { vault } = await open(t)
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    assert.equal(await vault.remove(id), true)
    assert.equal(await vault.remove(id), false)
    const next = { keyId: 'key-1', value: randomBytes(9), expiresAt: now() + MINUTE }
    assert.equal(await vault.replace(id, 1, next), false)
    assert.equal(await vault.touch(id, now(), now() + MINUTE), false)
    assert.equal(await vault.read(id), undefined)
  })

  test(title('a touch moves the times and not the generation'), async t => {
    const { vault } = await open(t)
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    const [used, expires] = [now() + 1, now() + 20 * MINUTE]
    assert.equal(await vault.touch(id, used, expires), true)
    const { generation, lastUsedAt, expiresAt } = (await vault.head(id)) ?? assert.fail()
    assert.deepEqual([generation, lastUsedAt, expiresAt], [1, used, expires])
  })

  test(title('[K5] what a vault has written itself it sees at once'), async t => {
    const { vault } = await open(t)
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    const seen = async () => {
      const head = await vault.head(id)
      return head && [head.generation, head.lastUsedAt]
    }
    assert.equal((await seen())?.[0], 1)
    await vault.touch(id, 1_000, now() + MINUTE)
    assert.deepEqual(await seen(), [1, 1_000])
    await vault.replace(id, 1, buildRecord(now()))
    assert.deepEqual(await seen(), [2, 1_000])
    await vault.remove(id)
    assert.equal(await seen(), undefined)
  })

  test(
    title('[K5, K19] what one connection ends, no other gives, and what it changes it soon sees'),
    async t => {
      const { vault, connect } = await open(t)
      const other = await connect()
      const id = newId()
      await vault.insert(id, buildRecord(now()))
      assert.equal((await other.head(id))?.generation, 1)
      await vault.replace(id, 1, { keyId: 'k', value: randomBytes(9), expiresAt: now() + MINUTE })
      await settle(home.lagMs)
      assert.equal((await other.head(id))?.generation, 2)
      await vault.remove(id)
      await settle(0)
      assert.equal(await other.head(id), undefined)
      assert.equal(await other.read(id), undefined)
    },
  )

  test(title('a record past its time is as if it were not there, and can be swept'), async t => {
    const { vault } = await open(t)
    const id = newId()
    await vault.insert(id, buildRecord(now(), { indexes: ['entry'] }))
    await vault.head(id)
    setAhead(11 * MINUTE)
    assert.equal(await vault.head(id), undefined)
    assert.equal(await vault.read(id), undefined)
    assert.equal(await vault.touch(id, now(), now() + MINUTE), false)
    assert.equal(await vault.replace(id, 1, buildRecord(now())), false)
    assert.equal(await vault.head(id), undefined)
    assert.deepEqual(await vault.find('entry'), [])
    assert.equal(await vault.entries(id), undefined)
    assert.equal(await vault.remove(id), false)
    await vault.sweep()
    await vault.insert(id, buildRecord(now()))
    assert.equal((await vault.head(id))?.generation, 1)
  })

  test(title('records are found by their index entries, and by no others'), async t => {
    const { vault } = await open(t)
    const ids = [newId(), newId(), newId()] as const
    await vault.insert(ids[0], buildRecord(now(), { indexes: ['a', 'both'] }))
    await vault.insert(ids[1], buildRecord(now(), { indexes: ['b', 'both'] }))
    await vault.insert(ids[2], buildRecord(now()))
    const find = async (entry: string) => (await vault.find(entry)).map(({ id }) => id).sort()
    assert.deepEqual(await find('a'), [ids[0]])
    assert.deepEqual(await find('both'), [ids[0], ids[1]].sort())
    assert.deepEqual(await find('c'), [])
    await vault.remove(ids[0])
    assert.deepEqual(await find('a'), [])
    assert.deepEqual(await find('both'), [ids[1]])
    assert.deepEqual(await vault.entries(ids[1]), ['b', 'both'])
    assert.deepEqual(await vault.entries(ids[2]), [])
    for (const id of [ids[0], newId()]) assert.equal(await vault.entries(id), undefined)
  })

  test(title('[OB3] it tells how much it holds'), async t => {
    const { vault } = await open(t)
    const before = await vault.size()
    // So many that every node of a cluster has some of them.
    const value = randomBytes(50_000)
    for (let i = 0; i < 40; i++) await vault.insert(newId(), buildRecord(now(), { value }))
    const { bytes, maxBytes = Number.POSITIVE_INFINITY } = await vault.size()
    assert.ok(bytes - before.bytes > value.length, `${before.bytes} ${bytes}`)
    assert.ok(bytes < maxBytes)
  })

  test(title('nothing keeps a record beyond its end'), async t => {
    const { vault } = await open(t)
    const id = newId()
    const endsAt = now() + 30 * MINUTE
    await vault.insert(id, buildRecord(now(), { expiresAt: endsAt + MINUTE, endsAt }))
    assert.equal((await vault.head(id))?.expiresAt, endsAt)
    await vault.touch(id, now(), endsAt + MINUTE)
    assert.equal((await vault.head(id))?.expiresAt, endsAt)
    await vault.replace(id, 1, { ...buildRecord(now()), expiresAt: endsAt + MINUTE })
    assert.equal((await vault.head(id))?.expiresAt, endsAt)
  })

  test(title('[V10] keys of another ring are refused, and nothing is changed'), async t => {
    const { vault, connect } = await open(t)
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    await vault.verifyKeys(new Map([['old', 'mark-1']]))
    const other = await connect()
    const refuses = async (marks: [string, string][], message: RegExp) => {
      // A store that does not answer in time refuses nothing yet: it is asked again.
      const verify = async () => {
        for (let tries = 0; tries < 20; tries++) await other.verifyKeys(new Map(marks))
      }
      await assert.rejects(verify, error => {
        assert.ok(error instanceof VaultRefusal)
        assert.match(error.message, message)
        return true
      })
    }
    await refuses([['old', 'mark-2']], /under another key with the id old/)
    await refuses([['foreign', 'mark-1']], /not in the key ring/)
    await other.verifyKeys(
      new Map([
        ['new', 'mark-3'],
        ['old', 'mark-1'],
      ]),
    )
    await other.verifyKeys(new Map([['new', 'mark-3']]))
    await refuses([['old', 'mark-1']], /not in the key ring/)
    assert.ok(await vault.read(id))
  })

  test(title('[V8] sweeping leaves nothing of what has expired'), async t => {
    const { vault } = await open(t)
    for (let i = 0; i < 120; i++) {
      await vault.insert(newId(), buildRecord(now(), { indexes: [`entry-${i}`] }))
      await vault.take(`taken-${i}`, now() + MINUTE)
    }
    const kept = newId()
    await vault.insert(kept, buildRecord(now(), { expiresAt: now() + 60 * MINUTE }))
    setAhead(11 * MINUTE)
    for (let batches = 0; batches < 10; batches++) await vault.sweep()
    assert.equal(await vault.sweep(), 0)
    assert.ok(await vault.read(kept))
  })
}

async function settle(milliseconds: number): Promise<void> {
  await (milliseconds > 0 ? wait(milliseconds) : nextTurn())
}
