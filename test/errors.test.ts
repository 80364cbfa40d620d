// A refusal that passes a step with an EHR is told with that EHR; whatever else is thrown stays what it is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError, namingEhr } from '../src/errors.ts'

/** What comes of a step that throws this. */
async function pass(thrown: unknown, begun?: 'ehr'): Promise<unknown> {
  const step = () => Promise.reject(thrown)
  return await namingEhr('general', step, begun && { begun, returnTo: '/app' }).then(
    () => assert.fail('nothing was thrown'),
    error => error,
  )
}

test('[Q45] a refusal is told with the EHR of its step, unless it names one, and with what it said before', async () => {
  const cause = new Error('away')
  const told = { detail: 'no connection', retryAfterSeconds: 7, cause }
  const named = await pass(new BrokerError('issuer_unreachable', told))
  assert.ok(named instanceof BrokerError)
  const { code, ehr, detail, retryAfterSeconds, begun } = named
  assert.deepEqual(
    { code, ehr, detail, retryAfterSeconds, begun, cause: named.cause },
    {
      ...{ code: 'issuer_unreachable', ehr: 'general', begun: undefined, ...told },
    },
  )
  const own = new BrokerError('issuer_unreachable', { ehr: 'other' })
  assert.equal(await pass(own), own)
  const begunToo = await pass(own, 'ehr')
  assert.ok(begunToo instanceof BrokerError)
  assert.deepEqual([begunToo.ehr, begunToo.begun, begunToo.returnTo], ['other', 'ehr', '/app'])
})

test('[PS2] a mistake that passes such a step is no refusal, and keeps its place', async () => {
  for (const mistake of [new TypeError('a mistake'), Object.assign(new Error(), { code: 'x' })]) {
    assert.equal(await pass(mistake), mistake)
    assert.equal(await pass(mistake, 'ehr'), mistake)
  }
})
