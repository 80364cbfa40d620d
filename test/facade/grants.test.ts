// Launches, waiting authorizations and codes: each for its time, each for one taker.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createGrants } from '../../src/facade/grants.ts'
import { createMemoryVault } from '../../src/vault/memory.ts'
import { createClock } from '../session/sessions.ts'

const SECOND = 1_000
const ready = { ehr: 'general', session: 's'.repeat(22) }
const code = { ...ready, clientId: 'app', redirectUri: 'https://app.example/' }
const request = { clientId: 'app', redirectUri: 'https://app.example/' }

function build() {
  const clock = createClock()
  const vault = createMemoryVault({ now: clock.now, steady: clock.now })
  const keys: string[] = []
  const noting: typeof vault = {
    ...vault,
    async deposit(key, value, expiresAt) {
      keys.push(key)
      await vault.deposit(key, value, expiresAt)
    },
  }
  return { clock, keys, grants: createGrants(noting, randomBytes) }
}

test('[FA2] a code lives 60 seconds, a launch 5 minutes, an authorization as long as its login may take', async () => {
  const { clock, grants } = build()
  const give = {
    code: () => grants.give('code', code),
    launch: () => grants.give('launch', ready),
    waiting: () => grants.give('waiting', { ehr: 'general', request }),
  }
  for (const [kind, seconds] of [
    ['code', 60],
    ['launch', 300],
    ['waiting', 600],
  ] as const) {
    const [first, second] = [await give[kind](), await give[kind]()]
    clock.pass(seconds * SECOND - 1)
    assert.ok(await grants.take(kind, first), kind)
    clock.pass(1)
    assert.equal(await grants.take(kind, second), undefined, kind)
  }
})

test('[FA2] of fifty that take one at the same time one gets it, and none as another kind', async () => {
  const { grants } = build()
  const name = await grants.give('code', code)
  assert.equal(await grants.take('launch', name), undefined)
  const taken = await Promise.all(Array.from({ length: 50 }, () => grants.take('code', name)))
  assert.deepEqual(taken.filter(Boolean), [code])
})

test('[FA2] names are 256 random bits, and none of them can be read in the vault', async () => {
  const { grants, keys } = build()
  const names = await Promise.all(Array.from({ length: 20 }, () => grants.give('launch', ready)))
  assert.equal(new Set(names).size, 20)
  for (const name of names) {
    assert.match(name, /^[\w-]{43}$/)
    assert.ok(!keys.some(key => key.includes(name)))
  }
})
