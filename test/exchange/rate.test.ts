import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRate } from '../../src/exchange/rate.ts'

const refused = (code: string) => ({ code, retryAfterSeconds: 1 })

test('[LM1] nothing is limited unless told', () => {
  assert.equal(
    createRate({}, () => 0),
    undefined,
  )
})

test('[LM1] so many a second for each user, and for each EHR', () => {
  let now = 0
  const rate = createRate({ user: 2, ehr: 3 }, () => now)
  rate?.('one', 'amy')
  rate?.('one', 'amy')
  assert.throws(() => rate?.('one', 'amy'), refused('too_many_requests'))
  rate?.('one', 'ben')
  assert.throws(() => rate?.('one', 'ben'), refused('too_many_in_flight'))
  rate?.('two', 'cleo')
  now = 999
  assert.throws(() => rate?.('one', 'dan'), refused('too_many_in_flight'))
  now = 1_000
  rate?.('one', 'amy')
  // What was refused took nothing.
  rate?.('one', 'ben')
  rate?.('one', 'ben')
  assert.throws(() => rate?.('one', 'amy'), refused('too_many_in_flight'))
})

test('[LM1] each limit stands alone', () => {
  const ofEhr = createRate({ ehr: 1 }, () => 0)
  ofEhr?.('one', 'amy')
  assert.throws(() => ofEhr?.('one', 'ben'), refused('too_many_in_flight'))
  const ofUser = createRate({ user: 1 }, () => 0)
  ofUser?.('one', 'amy')
  ofUser?.('one', 'ben')
  assert.throws(() => ofUser?.('one', 'amy'), refused('too_many_requests'))
})
