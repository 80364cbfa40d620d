// Endings that the vault would not take: told, refused here at once, and done as soon as they can be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createEndings } from '../../src/session/endings.ts'

const nextTurn = () => new Promise<void>(done => setImmediate(done))

/** A vault of records with generations, some of which cannot be removed, or none. */
function build(records: [id: string, generation: number][], absoluteMs = 3_600_000) {
  const vault = new Map(records)
  const stuck = new Set<string>()
  const state = { isAway: false, tries: 0 }
  const endings = createEndings({
    absoluteMs,
    wait: nextTurn,
    vault: {
      async remove(id, generation, onRemoved) {
        state.tries++
        if (state.isAway || stuck.has(id)) throw new BrokerError('vault_unavailable')
        if (generation !== undefined && vault.get(id) !== generation) return false
        const isDone = vault.delete(id)
        if (isDone) onRemoved?.()
        return isDone
      },
      take: async () => true,
      now: () => 0,
    },
  })
  const fails = async (...args: Parameters<typeof endings.end>) =>
    await assert.rejects(endings.end(...args), { code: 'vault_unavailable' })
  return { vault, stuck, state, endings, fails }
}

test('[O10] an ending that failed is told, refuses the session at once, and is done later', async () => {
  const { vault, state, endings, fails } = build([
    ['a', 1],
    ['b', 1],
  ])
  assert.equal(await endings.end('b'), true)
  assert.equal(await endings.end('b'), false)
  state.isAway = true
  await fails('a')
  assert.ok(endings.isPending('a'))
  assert.ok(!endings.isPending('b'))
  await nextTurn()
  assert.ok(vault.has('a'))
  state.isAway = false
  await endings.settled()
  assert.ok(!vault.has('a'))
  assert.ok(!endings.isPending('a'))
})

test('[O10] one record that cannot be removed keeps no other from its end', async () => {
  const { vault, stuck, state, endings, fails } = build([
    ['stuck', 1],
    ['a', 1],
    ['b', 1],
  ])
  state.isAway = true
  for (const id of ['stuck', 'a', 'b']) await fails(id)
  state.isAway = false
  stuck.add('stuck')
  for (let turns = 0; turns < 10; turns++) await nextTurn()
  assert.deepEqual([...vault.keys()], ['stuck'])
  assert.ok(endings.isPending('stuck'))
  stuck.clear()
  await endings.settled()
  assert.equal(vault.size, 0)
})

test('[O10, D14] an ending of one generation ends no other, however late it is', async () => {
  const { vault, state, endings, fails } = build([['a', 1]])
  state.isAway = true
  await fails('a', { generation: 1 })
  vault.set('a', 2)
  state.isAway = false
  await endings.settled()
  assert.equal(vault.get('a'), 2)
  assert.ok(!endings.isPending('a'))
})

test('[O10] while the vault is away one try a second is made, and none when all records are over', async () => {
  const { state, endings, fails } = build([], 5_000)
  state.isAway = true
  for (let i = 0; i < 20; i++) await fails(`record-${i}`)
  const { tries } = state
  await nextTurn()
  await nextTurn()
  assert.ok(state.tries - tries <= 2)
  await endings.settled()
  assert.ok(state.tries - tries <= 20 * 6)
  assert.ok(!endings.isPending('record-0'))
})

test('[EV1] an ending is told when it is done, whoever is still to say so, and once', async () => {
  const heard: string[] = []
  const saying = Promise.withResolvers<void>()
  const endings = createEndings(
    {
      absoluteMs: 3_600_000,
      vault: {
        async remove(_id, _generation, onRemoved) {
          onRemoved?.()
          await saying.promise
          throw new BrokerError('vault_unavailable')
        },
        take: async () => true,
        now: () => 0,
      },
      wait: () => Promise.withResolvers<void>().promise,
    },
    { tell: change => heard.push(change.type) },
  )
  const ending = endings.end('a', { reason: 'logout' })
  await nextTurn()
  assert.deepEqual(heard, ['ended'])
  saying.resolve()
  await assert.rejects(ending)
  assert.deepEqual(heard, ['ended'])
})

test('[O9, O10] of many endings each is tried, and the first failure is told', async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `record-${i}`)
  const { vault, stuck, endings } = build(ids.map(id => [id, 1]))
  stuck.add('record-50')
  const { ended, failure } = await endings.endAll([...ids, 'gone'])
  assert.equal(ended, 99)
  assert.ok(failure instanceof BrokerError)
  assert.deepEqual([...vault.keys()], ['record-50'])
  stuck.clear()
  await endings.settled()
  assert.deepEqual(await endings.endAll(ids), { ended: 0, failure: undefined })
})

test('[O10, F7] a logout that waits for the vault is forgotten for no ending of one generation', async () => {
  // The EHR refuses a renewal that was under way when the user left, and another process has renewed
  // meanwhile: before the vault takes writes again, and after.
  for (const isBack of [false, true]) {
    const { vault, state, endings, fails } = build([['a', 2]])
    state.isAway = true
    await fails('a', { reason: 'logout' })
    state.isAway = !isBack
    if (isBack) assert.equal(await endings.end('a', { generation: 1 }), false)
    else await fails('a', { generation: 1 })
    assert.ok(endings.isPending('a'), `${isBack}`)
    state.isAway = false
    await endings.settled()
    assert.ok(!vault.has('a'), `${isBack}`)
    assert.ok(!endings.isPending('a'))
  }
})

test('[O10] of two generations that wait for their end the later one ends', async () => {
  for (const generations of [
    [1, 2],
    [2, 1],
  ]) {
    const { vault, state, endings, fails } = build([['a', 2]])
    state.isAway = true
    for (const generation of generations) await fails('a', { generation })
    state.isAway = false
    await endings.settled()
    assert.ok(!vault.has('a'), `${generations}`)
  }
})

test('[O10] an ending that fails in the very moment when the last one is done is tried too', async () => {
  // In each of the microtasks in which the tries of the one before may end.
  for (let steps = 0; steps < 12; steps++) {
    const { vault, state, endings, fails } = build([
      ['a', 1],
      ['b', 1],
    ])
    state.isAway = true
    await fails('a')
    state.isAway = false
    const { delete: removeNow } = vault
    const late = Promise.withResolvers<void>()
    vault.delete = id => {
      queueMicrotask(async () => {
        for (let i = 0; i < steps; i++) await undefined
        state.isAway = true
        late.resolve(fails('b'))
      })
      vault.delete = removeNow
      return removeNow.call(vault, id)
    }
    await late.promise
    state.isAway = false
    for (let turns = 0; turns < 5; turns++) await nextTurn()
    await endings.settled()
    assert.ok(!vault.has('b'), `after ${steps} steps`)
  }
})
