// What a login does to the earlier sessions of its browser, where the clocks of two processes differ.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createBrowserSessions } from '../../src/session/same-browser.ts'
import type { SessionStore } from '../../src/session/store.ts'
import type { Identity } from '../../src/smart/types.ts'
import type { Vault } from '../../src/vault/vault.ts'
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

/** A vault whose answers come all together, round after round, as over a slow network; it counts them. */
function slow(vault: Vault) {
  const told = { rounds: 0, calls: 0, mostAtOnce: 0 }
  let open: (() => void)[] = []
  const wait = () =>
    new Promise<void>(done => {
      told.calls++
      // So that all that is asked without waiting for an answer is asked in the same round.
      if (open.push(done) === 1) setTimeout(answer)
    })
  const answer = () => {
    told.rounds++
    told.mostAtOnce = Math.max(told.mostAtOnce, open.length)
    const answered = open
    open = []
    for (const done of answered) done()
  }
  const late = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A) => {
      await wait()
      return await call(...args)
    }
  }
  const { insert, read, find, remove, take } = vault
  const calls = {
    ...{ insert: late(insert), read: late(read), find: late(find) },
    ...{ remove: late(remove), take: late(take) },
  }
  return { told, vault: { ...vault, ...calls } }
}

test('[K5] what a login ends and clears away waits for the store in rounds, not one after the other', async () => {
  const { clock, store, vault, sealer, another } = buildStore()
  const rules = { perBrowser: 8, onUserChange: 'end' } as const
  const quick = createBrowserSessions({ vault, store, sealer, rules, now: clock.now })
  const log = (identity: Identity, ehr = 'general') =>
    store.begin(ISS, buildTokens(clock.now(), { identity }), 'browser', ehr)
  const begin = async (identity: Identity, ehr?: string) => {
    const open = await log(identity, ehr)
    await quick.noteTicket('browser', open)
    return open
  }
  const doctor = { iss: 'https://ehr.example.org', sub: 'doctor' }
  const gone = await Promise.all(Array.from({ length: 100 }, () => begin(doctor)))
  for (const { recordId } of gone) await store.end(recordId)
  const others = await Promise.all(Array.from({ length: 8 }, () => begin(doctor)))
  const many = await Promise.all(Array.from({ length: 16 }, () => begin(doctor, 'other')))
  const { told, vault: far } = slow(vault)
  const sessions = createBrowserSessions({
    ...{ vault: far, store: another(far), sealer, rules, now: clock.now },
  })
  const latest = await log(nurse)
  const over = await sessions.settle('browser', latest)
  const ended = [...gone, ...others, ...many.slice(0, 9)]
  // The new one noted, notes and sessions found, notes read; sessions ended and notes removed, eight at a time.
  const most = 2 + Math.ceil(16 / 8) + Math.ceil(ended.length / 8)
  assert.ok(told.rounds <= most, `${told.rounds} rounds, more than ${most}`)
  assert.equal(over.length, ended.length)
  assert.equal((await store.find('browser', 'browser')).length, 8)
  assert.ok(told.calls > 2 * ended.length)
  assert.ok(told.mostAtOnce <= 200 + 2)
})

test('[K13] a session that the same browser begins meanwhile is not taken for one that is over', async () => {
  const { clock, store, vault, sealer } = buildStore()
  const rules = { perBrowser: 8, onUserChange: 'end' } as const
  const parts = { vault, sealer, rules, now: clock.now }
  const log = () => store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
  const begin = async () => {
    const open = await log()
    await createBrowserSessions({ ...parts, store }).noteTicket('browser', open)
    return open
  }
  const places = ['find', 'findToEnd'] as const
  for (const place of places) {
    const first = await log()
    let meanwhile: string | undefined
    const sessions = createBrowserSessions({
      ...parts,
      store: {
        ...store,
        async [place](...asked: Parameters<SessionStore['find']>) {
          const found = await store[place](...asked)
          meanwhile ??= (await begin()).session.id
          return found
        },
      },
    })
    assert.deepEqual(await sessions.settle('browser', first), [])
    assert.ok(meanwhile)
  }
})
