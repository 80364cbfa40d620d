// What the contract promises to several processes over one store. For homes that outlive a process.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { VaultChoice } from '../../src/vault/open.ts'
import { buildRecord, newId } from './records.ts'
import { startRemote } from './remote.ts'

const MINUTE = 60_000
const now = Date.now

/** Registers the tests for one home; `address` tells where a new empty store lies. */
export function testProcesses(
  name: string,
  address: (t: TestContext) => VaultChoice | Promise<VaultChoice>,
): void {
  const start = async (t: TestContext) => {
    const where = await address(t)
    return [await startRemote(t, where), await startRemote(t, where)] as const
  }

  test(`[S4] of fifty takers in two processes exactly one takes (${name})`, async t => {
    const processes = await start(t)
    for (let round = 0; round < 5; round++) {
      const key = newId()
      const takes = processes.map(each => each.call('take', [key, now() + MINUTE], 25))
      const taken = (await Promise.all(takes)).flat()
      assert.equal(taken.filter(done => done === true).length, 1)
      await processes[0].call('deposit', [key, 'sealed', now() + MINUTE])
      const draws = processes.map(each => each.call('withdraw', [key], 25))
      const drawn = (await Promise.all(draws)).flat()
      assert.equal(drawn.filter(text => text === 'sealed').length, 1)
    }
  })

  test(`[D14, F8] two processes share neither a lease nor a generation (${name})`, async t => {
    const processes = await start(t)
    const id = newId()
    await processes[0].call('insert', [id, buildRecord(now())])
    for (let generation = 1; generation <= 10; generation++) {
      const leases = processes.map((each, i) => each.call('lease', [id, `owner-${i}`, MINUTE]))
      const granted = (await Promise.all(leases)).flat()
      assert.deepEqual([...granted].sort(), [false, true])
      const next = buildRecord(now())
      const writes = processes.map(each => each.call('replace', [id, generation, next], 10))
      const done = (await Promise.all(writes)).flat()
      assert.equal(done.filter(moved => moved === true).length, 1)
      const holder = granted.indexOf(true)
      await processes[holder]?.call('release', [id, `owner-${holder}`])
    }
    assert.deepEqual(await processes[1].call('replace', [id, 1, buildRecord(now())]), [false])
  })

  test(`[S12, V4] what one process was told is stored, another finds after kill -9 (${name})`, async t => {
    const [one, two] = await start(t)
    const id = newId()
    await one.call('insert', [id, buildRecord(now(), { indexes: ['entry'] })])
    await one.call('replace', [id, 1, buildRecord(now())])
    await one.call('deposit', ['launch', 'sealed', now() + MINUTE])
    await one.call('take', ['jti', now() + MINUTE])
    await one.call('lease', [id, 'dead', 1_000])
    await one.kill()
    const [read] = (await two.call('read', [id])) as [{ generation: number }]
    assert.equal(read.generation, 2)
    const [found] = (await two.call('find', ['entry'])) as [{ id: string }[]]
    assert.deepEqual(
      found.map(each => each.id),
      [id],
    )
    assert.deepEqual(await two.call('withdraw', ['launch']), ['sealed'])
    assert.deepEqual(await two.call('take', ['jti', now() + MINUTE]), [false])
    while (!(await two.call('lease', [id, 'heir', 1_000]))[0]) await wait(50)
  })
}
