// Which scopes an existing app is told of: apps read from them how they were launched.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readContexts, tellScope } from '../../src/facade/scope.ts'

const granted = 'launch launch/patient openid fhirUser offline_access online_access patient/*.rs'

test('[FA1] an app is told of the launch contexts that it asked for, and of no renewal', () => {
  for (const [asked, told] of [
    ['launch openid patient/*.read', 'launch openid fhirUser patient/*.rs'],
    ['launch/patient offline_access', 'launch/patient openid fhirUser patient/*.rs'],
    ['patient/*.read', 'openid fhirUser patient/*.rs'],
    ['launch/encounter', 'openid fhirUser patient/*.rs'],
    ['', 'openid fhirUser patient/*.rs'],
    [undefined, 'launch launch/patient openid fhirUser patient/*.rs'],
  ]) {
    assert.equal(tellScope(granted, readContexts(asked)), told, asked)
  }
})

test('[FA1, FA4] what is kept of a scope are words of its own shape, once each, and few', () => {
  const odd = ['launch', 'launch', 'Launch', 'launch/', 'launch/a/b', 'launch/1', 'xlaunch', 'a']
  assert.deepEqual(readContexts(odd.join(' ')), ['launch'])
  assert.deepEqual(readContexts(`launch/${'p'.repeat(33)}`), [])
  const many = Array.from({ length: 26 }, (_, i) => `launch/${String.fromCharCode(97 + i)}`)
  assert.deepEqual(readContexts(many.join(' ')), many.slice(0, 16))
})
