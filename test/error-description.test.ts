// What is written about errors: names, codes and fixed words, of so many causes and no more.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeError } from '../src/error-description.ts'
import { BrokerError } from '../src/errors.ts'

test('[G1, G3, PS2] of a cause that is its own cause a few are told, and nothing of what they say', () => {
  const own = new Error('amy-shaw-canary')
  own.cause = own
  const odd = Object.assign(new Error('amy-shaw-canary'), { name: 'a canary', code: 'a\ncanary' })
  for (const error of [own, new BrokerError('issuer_unreachable', { cause: own }), odd]) {
    const told = JSON.stringify(describeError(error))
    assert.ok(told.length < 300 && !told.includes('canary'), told)
  }
  const broker = new BrokerError('issuer_unreachable', { detail: 'no connection', ehr: 'general' })
  broker.cause = broker
  let depth = 0
  for (let told = describeError(broker).cause; told; told = told.cause) depth++
  assert.ok(depth > 0 && depth < 10, `${depth}`)
})
