// The part of the contract about what exactly one may have: keys, deposits, leases.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Home, useHome } from './home.ts'
import { buildRecord, newId } from './records.ts'

const MINUTE = 60_000

/** Registers the tests for one home. */
export function testClaims(home: Home): void {
  const { now, open, setAhead, title } = useHome(home)

  test(title('[S4] a key is taken by exactly one of fifty, over two connections'), async t => {
    const { vault, connect } = await open(t)
    const other = await connect()
    assert.equal(await vault.isTaken('jti'), false)
    const taken = await Promise.all(
      Array.from({ length: 50 }, (_, i) => (i % 2 ? vault : other).take('jti', now() + MINUTE)),
    )
    assert.equal(taken.filter(Boolean).length, 1)
    assert.equal(await vault.take('another', now() + MINUTE), true)
    assert.equal(await vault.take('jti', now() + MINUTE), false)
    for (const each of [vault, other]) assert.equal(await each.isTaken('jti'), true)
    setAhead(2 * MINUTE)
    for (const each of [vault, other]) assert.equal(await each.isTaken('jti'), false)
    assert.equal(await vault.take('jti', now() + MINUTE), true)
  })

  test(title('[S4] a deposit is withdrawn by exactly one, and not after its time'), async t => {
    const { vault, connect } = await open(t)
    const other = await connect()
    await vault.deposit('launch', 'sealed', now() + MINUTE)
    const drawn = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? vault : other).withdraw('launch')),
    )
    assert.deepEqual(drawn.filter(Boolean), ['sealed'])
    await vault.deposit('late', 'sealed', now() + MINUTE)
    setAhead(2 * MINUTE)
    assert.equal(await vault.withdraw('late'), undefined)
  })

  test(title('[F8] a lease has one owner, who may renew it, until its time is up'), async t => {
    const { vault, connect } = await open(t)
    const other = await connect()
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    assert.equal(await vault.lease(id, 'one', MINUTE), true)
    assert.equal(await other.lease(id, 'two', MINUTE), false)
    assert.equal(await vault.lease(id, 'one', MINUTE), true)
    await other.release(id, 'two')
    assert.equal(await other.lease(id, 'two', MINUTE), false)
    await vault.release(id, 'one')
    assert.equal(await other.lease(id, 'two', MINUTE), true)
    assert.equal(await other.lease(id, 'two', 1), true)
    while (!(await vault.lease(id, 'one', 1))) await wait(1)
  })

  test(
    title('[F8, F13] a lease lasts as long as it was granted for, whatever a caller’s clock says'),
    async t => {
      const { vault, connect } = await open(t)
      const other = await connect()
      const id = newId()
      await vault.insert(id, buildRecord(now(), { expiresAt: now() + 50 * MINUTE }))
      for (const skew of [-30 * MINUTE, 30 * MINUTE]) {
        assert.equal(await vault.lease(id, 'one', MINUTE), true)
        setAhead(skew)
        assert.equal(await other.lease(id, 'two', MINUTE), false)
        await vault.release(id, 'one')
        assert.equal(await other.lease(id, 'two', 1), true)
        setAhead(0)
        while (!(await vault.lease(id, 'one', MINUTE))) await wait(1)
        await vault.release(id, 'one')
      }
    },
  )
}
