// What a login does to the earlier sessions of its browser, where the clocks of two processes differ.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBrowserSessions } from '../../src/session/same-browser.ts'
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
