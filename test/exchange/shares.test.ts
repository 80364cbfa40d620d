import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  becomeEvents,
  claim,
  createShares,
  enter,
  hold,
  leave,
  nameUser,
  type SharesOptions,
} from '../../src/exchange/shares.ts'
import type { Session } from '../../src/session/session.ts'
import { give, type Share, take } from '../../src/share.ts'

const one = { user: 3, ehr: 6, all: 12 }
function build(options: Partial<SharesOptions> = {}) {
  const sharesOf = createShares({ requests: one, events: one, bytes: one, ...options })
  return (ehr: string, id: string, sub?: string) =>
    sharesOf({
      ...{ id, ehr, tokens: { identity: sub && { iss: 'https://ehr.example.org', sub } } },
    } as unknown as Session)
}

/** Takes one at a time until there is no more; how much there was. */
function takeAll(share: Share): number {
  let taken = 0
  while (take(share, 1)) taken++
  return taken
}

test('[DS11] a user has a limit, and may have again what was given back', () => {
  const shares = build()('general', 'a')
  assert.equal(takeAll(shares.requests), 3)
  const refusal = { code: 'too_many_requests', ehr: 'general', retryAfterSeconds: 1 }
  assert.throws(() => claim(shares, 'requests', 1), refusal)
  give(shares.requests, 2)
  assert.equal(takeAll(shares.requests), 2)
})

test('[DS11] whoever is refused for the sake of others is told so', () => {
  const sharesOf = build()
  for (const user of ['a', 'b']) takeAll(sharesOf('general', user).requests)
  const refusal = { code: 'too_many_in_flight', ehr: 'general' }
  assert.throws(() => claim(sharesOf('general', 'c'), 'requests', 2), refusal)
  claim(sharesOf('general', 'c'), 'requests', 1)
})

test('[DS11] all sessions of one user have one share, at one EHR', () => {
  const sharesOf = build()
  const { requests } = sharesOf('general', 'a', 'dr-lee')
  assert.equal(sharesOf('general', 'b', 'dr-lee').requests, requests)
  for (const [ehr, id, sub] of [
    ['general', 'c', 'dr-who'],
    ['general', 'd', undefined],
    ['other', 'e', 'dr-lee'],
  ] as const) {
    assert.notEqual(sharesOf(ehr, id, sub).requests, requests)
  }
})

test('[DS11] event streams, requests and memory are counted apart', () => {
  const shares = build()('general', 'a')
  const places = [enter(shares), enter(shares), enter(shares)]
  for (const place of places) becomeEvents(place)
  assert.equal(takeAll(shares.requests), 3)
  assert.equal(takeAll(shares.bytes), 3)
  give(shares.requests, 3)
  const over = enter(shares)
  assert.throws(() => becomeEvents(over), { code: 'too_many_requests' })
  for (const place of [over, ...places]) leave(place)
  assert.deepEqual([shares.requests.held, shares.events.held], [0, 0])
})

test('[DS5, DS11] greedy users leave something to the next ones, greedy EHRs to the others', () => {
  const user = fc.integer({ min: 1, max: 100 })
  const ehr = fc.integer({ min: 64, max: 300 })
  fc.assert(
    fc.property(user, ehr, fc.nat(4), fc.nat(3), (user, ehr, users, ehrs) => {
      const sharesOf = build({ requests: { user, ehr, all: 4 * ehr } })
      for (let i = 0; i < users; i++) takeAll(sharesOf('first', `${i}`).requests)
      const next = takeAll(sharesOf('first', 'next').requests)
      assert.ok(next >= Math.min(user, Math.floor(ehr / 2 ** (users + 1))))
      for (let i = 0; i < ehrs * 40; i++) takeAll(sharesOf(`${i % ehrs}`, `greedy ${i}`).requests)
      const elsewhere = takeAll(sharesOf('quiet', 'another').requests)
      assert.ok(elsewhere >= Math.min(user, Math.floor(ehr / 8)))
    }),
  )
})

test('[DS11] nobody ever holds more than the limits, and everything comes back', () => {
  const step = fc.record({
    ehr: fc.nat(2),
    session: fc.nat(3),
    amount: fc.integer({ min: 0, max: 8 }),
    isGiving: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), steps => {
      const sharesOf = build({ bytes: { user: 9, ehr: 20, all: 40 } })
      const held = new Map<string, { share: Share; amounts: number[] }>()
      for (const { ehr, session, amount, isGiving } of steps) {
        const name = `${ehr} ${session}`
        const own = held.get(name) ?? { share: sharesOf(`${ehr}`, name).bytes, amounts: [] }
        held.set(name, own)
        const back = isGiving ? own.amounts.pop() : undefined
        if (back !== undefined) {
          give(own.share, back)
          continue
        }
        if (take(own.share, amount)) own.amounts.push(amount)
        for (let each: Share | undefined = own.share; each; each = each.within) {
          assert.ok(each.held <= each.limit)
        }
      }
      for (const { share, amounts } of held.values()) {
        for (const amount of amounts) give(share, amount)
      }
      for (const { share } of held.values()) {
        for (let each: Share | undefined = share; each; each = each.within) {
          assert.equal(each.held, 0)
        }
      }
    }),
  )
})

test('[DS11] memory for an answer is taken within the limits or not at all, and comes back', () => {
  const shares = build({ bytes: { user: 100, ehr: 1_000, all: 10_000 } })('general', 'amy')
  const [first, second] = [enter(shares), enter(shares)]
  assert.equal(hold(first, 60), true)
  assert.equal(hold(second, 60), false)
  assert.deepEqual([shares.bytes.held, second.heldBytes], [60, 0])
  assert.equal(hold(second, 40), true)
  assert.equal(hold(first), true)
  assert.equal(shares.bytes.held, 100)
  for (const place of [first, second]) leave(place)
  assert.deepEqual([shares.bytes.held, shares.requests.held], [0, 0])
})

test('[DS13] users that hold nothing are forgotten, the others are not', () => {
  const sharesOf = build()
  const { requests } = sharesOf('general', 'holds one')
  take(requests, 1)
  const idle = sharesOf('general', 'holds none')
  for (let i = 0; i < 5_000; i++) sharesOf('general', `${i}`)
  assert.equal(sharesOf('general', 'holds one').requests, requests)
  assert.notEqual(sharesOf('general', 'holds none'), idle)
})

test('[DS5, DS11] what is asked of one EHR takes nothing of the share of another, where no session is named', () => {
  // As at a host's /fhir, which serves several EHRs without a session in the path.
  const sharesOf = build()
  const [first, second] = [sharesOf('general', ''), sharesOf('county', '')]
  assert.equal(takeAll(first.requests), 3)
  assert.equal(second.ehr, 'county')
  assert.equal(takeAll(second.requests), 3)
  const names = ['general', 'county'].map(ehr =>
    nameUser({ id: '', ehr, iss: '', tokens: { accessToken: '' } }),
  )
  assert.notEqual(names[0], names[1])
})
