// Tokens that wait for the vault: none is lost to another of the same session, nor between two tries.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { OpenSession } from '../../src/session/session.ts'
import { createUnsaved, type Got } from '../../src/session/unsaved.ts'
import { buildStore, buildTokens, ISS } from './sessions.ts'

const nextTurn = () => new Promise<void>(done => setImmediate(done))

/** What waits for a vault that takes nothing while it is away, and generations of one session. */
async function build(t: TestContext) {
  const parts = buildStore()
  const made = await parts.store.begin(ISS, buildTokens(parts.clock.now()), 'browser', 'general')
  const state = { isAway: true }
  t.after(() => {
    state.isAway = false
  })
  const stored: string[] = []
  const unsaved = createUnsaved({
    now: parts.clock.now,
    wait: nextTurn,
    async store(open, got) {
      if (state.isAway) throw new Error('the vault is away')
      stored.push(got.tokens.accessToken)
      unsaved.remove(open)
    },
    release: async () => {},
  })
  const at = (generation: number): OpenSession => ({ ...made, generation })
  const get = (accessToken: string): Got => ({
    tokens: buildTokens(parts.clock.now(), { accessToken }),
    lease: { id: made.recordId, owner: accessToken },
  })
  return { state, stored, unsaved, at, get }
}

test('[F2, F14] a store that comes late takes nothing from the tokens that were got since', async t => {
  const { state, stored, unsaved, at, get } = await build(t)
  unsaved.add(at(1), get('first'))
  unsaved.add(at(2), get('second'))
  // Two had tried to store the first: one finds it stored, the other fails.
  unsaved.remove(at(1))
  unsaved.add(at(1), get('first'))
  assert.equal(unsaved.find(at(2))?.tokens.accessToken, 'second')
  state.isAway = false
  await unsaved.settled()
  assert.deepEqual(stored, ['second'])
})

test('[F14] tokens that are added in the very moment when the last are stored are stored too', async t => {
  for (let steps = 0; steps < 12; steps++) {
    const { state, stored, unsaved, at, get } = await build(t)
    state.isAway = false
    unsaved.add(at(1), get('first'))
    const { push } = stored
    stored.push = (...items) => {
      queueMicrotask(async () => {
        for (let i = 0; i < steps; i++) await undefined
        unsaved.add(at(2), get('second'))
      })
      Reflect.deleteProperty(stored, 'push')
      return push.apply(stored, items)
    }
    for (let turns = 0; turns < 6; turns++) await nextTurn()
    assert.deepEqual(stored, ['first', 'second'], `after ${steps} steps`)
  }
})
