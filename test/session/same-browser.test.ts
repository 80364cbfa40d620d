// What a login does to the earlier sessions of its browser, where the clocks of two processes differ.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createBrowserSessions } from '../../src/session/same-browser.ts'
import type { SessionStore } from '../../src/session/store.ts'
import type { Identity } from '../../src/smart/types.ts'
import { buildStore, buildTokens, createClock, ISS, MINUTE } from './sessions.ts'

test('[K5] the login that is one too many ends an earlier session, whose use a clock has noted later', async () => {
  for (const aheadMs of [0, 500]) {
    const clock = createClock()
    const { store, vault, sealer } = buildStore({ clock })
    const rules = { perBrowser: 1, onUserChange: 'end' } as const
    const sessions = createBrowserSessions({ vault, store, sealer, rules, now: clock.now })
    const begin = () => store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
    const earlier = await begin()
    const at = clock.now() + aheadMs
    await vault.touch(earlier.recordId, at, at + 15 * MINUTE)
    const later = await begin()
    await sessions.settle('browser', later)
    assert.equal(await vault.head(earlier.recordId), undefined)
    assert.ok(await vault.head(later.recordId))
  }
})

/** What is left of a first user's session after a second login of the same browser. */
async function logInTwice(
  onUserChange: 'end' | 'keep',
  identity: Identity | undefined,
  changes: Partial<SessionStore> = {},
): Promise<boolean> {
  const { store, vault, sealer, clock } = buildStore()
  const rules = { perBrowser: 9, onUserChange }
  const sessions = createBrowserSessions({
    ...{ vault, sealer, rules, now: clock.now },
    store: { ...store, ...changes },
  })
  const earlier = await store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
  const tokens = buildTokens(clock.now(), { identity })
  await sessions.settle('browser', await store.begin(ISS, tokens, 'browser', 'general'))
  return (await vault.head(earlier.recordId)) !== undefined
}

const nurse = { iss: 'https://ehr.example.org', sub: 'nurse' }

test('[K5] another user ends the earlier one, but where the rules keep it or nobody is named', async () => {
  assert.equal(await logInTwice('end', nurse), false)
  assert.equal(await logInTwice('keep', nurse), true)
  assert.equal(await logInTwice('end', undefined), true)
})

test('[K5] a login whose earlier user could not be ended is none', async () => {
  const failure = new BrokerError('vault_unavailable')
  const endAll = async () => ({ ended: 0, failure })
  await assert.rejects(logInTwice('end', nurse, { endAll }), failure)
})
