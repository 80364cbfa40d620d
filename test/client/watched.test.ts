// What is known of the sessions after any events: references that stay, endings that last.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SessionDocument } from '../../client/document.ts'
import {
  change,
  findEndings,
  unknown,
  type WatchEvent,
  type Watched,
} from '../../client/watched.ts'
import type { SessionDocument as Told } from '../../src/session/document.ts'
import { buildSession } from './session.ts'

const ids = ['one', 'two', 'three'] as const
const id = fc.constantFrom(...ids)
const session = fc
  .record({ id, createdAt: fc.nat(9), idleExpiresAt: fc.nat(3) })
  .map(({ id, createdAt, idleExpiresAt }) =>
    buildSession({
      id,
      createdAt: new Date(createdAt).toISOString(),
      idleExpiresAt: new Date(100 + idleExpiresAt).toISOString(),
    }),
  )
const sessions = fc.uniqueArray(session, { selector: one => one.id })
const event: fc.Arbitrary<WatchEvent> = fc.oneof(
  fc.record({ type: fc.constant('sessions' as const), sessions, at: fc.nat(9) }),
  fc.record({ type: fc.constant('session' as const), session }),
  fc.record({ type: fc.constant('ended' as const), id, reason: fc.constantFrom('logout', 'ehr') }),
  fc.record({ type: fc.constant('renewed' as const), id, at: fc.constantFrom('t1', 't2') }),
  fc.record({
    type: fc.constant('ehr' as const),
    ehr: fc.constantFrom('a', 'b'),
    isDown: fc.boolean(),
  }),
  fc.record({ type: fc.constant('expiring' as const), id }),
  fc.constant({ type: 'unreachable' as const }),
)

const take = (known: Watched, one: WatchEvent): Watched =>
  [...findEndings(known, one), one].reduce(change, known)

test('after any events: no session is both live and over, none is there twice, nothing grows for ever', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), events => {
      const over = new Set<string>()
      let known = unknown
      for (const one of events) {
        known = take(known, one)
        for (const { id } of known.ended) over.add(id)
        const live = known.sessions.map(({ id }) => id)
        assert.equal(new Set(live).size, live.length)
        for (const id of live) assert.ok(!over.has(id), `${id} has come back`)
      }
      assert.ok(known.ended.length <= 64 && known.renewals.length <= 64)
    }),
  )
})

test('an event that is told twice changes nothing the second time, not even a reference', () => {
  fc.assert(
    fc.property(fc.array(event), event, (events, last) => {
      const known = take(events.reduce(take, unknown), last)
      const again = take(known, structuredClone(last))
      if (last.type === 'sessions' || last.type === 'ehr' || last.type === 'unreachable') {
        assert.equal(again, known)
      } else assert.deepEqual(again, known)
    }),
  )
})

test('a session that has not changed is the same object in the next list', () => {
  const list = [buildSession({ id: 'one' }), buildSession({ id: 'two' })]
  const known = take(unknown, { type: 'sessions', sessions: list, at: Date.now() })
  const next = structuredClone(list)
  const [one, two] = next
  const moved = { ...(two as SessionDocument), idleExpiresAt: '2100-01-01T00:00:00.000Z' }
  const after = take(known, { type: 'sessions', sessions: [one as never, moved], at: Date.now() })
  assert.equal(after.sessions[0], known.sessions[0])
  assert.equal(after.sessions[1], moved)
})

test('a list without a session says that it has ended, unless it is from before that one began', () => {
  const begun = buildSession({ id: 'one', createdAt: '2026-01-01T00:00:10.000Z' })
  const known = take(unknown, { type: 'session', session: begun })
  const at = Date.parse('2026-01-01T00:00:09.000Z')
  assert.equal(take(known, { type: 'sessions', sessions: [], at }).sessions.length, 1)
  const later = take(known, { type: 'sessions', sessions: [], at: at + 5_000 })
  assert.deepEqual(later.ended, [{ id: 'one', reason: 'unknown' }])
  const late = take(later, { type: 'sessions', sessions: [begun], at })
  assert.equal(late.sessions.length, 0)
})

test('the document is typed as fhirstorm builds it', () => {
  const read = (told: Told): SessionDocument => told
  assert.equal(read.length, 1)
})

test('a list of which only the seconds left are others is no news', () => {
  const at = Date.now()
  const listed = (idleExpiresIn: number): WatchEvent => ({
    ...{ type: 'sessions', at },
    sessions: [{ ...one, idleExpiresIn }],
  })
  const one = buildSession()
  const known = take(unknown, listed(900))
  assert.equal(take(known, listed(870)), known)
})
