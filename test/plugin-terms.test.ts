// What a plugin says of options that are not as it wants them: its name, the option's, and nothing of a value
// that may be a secret.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  aFunction,
  anObject,
  aText,
  judgeOptions,
  listOfBytes,
  optional,
  requireParts,
} from '../src/plugin-terms.ts'

const checks = { name: aText, keys: optional(listOfBytes) }

test('[GU7] options that are none, or wrong in one member, are told by plugin and member', () => {
  for (const none of [undefined, null, 'text', 1]) {
    assert.throws(() => judgeOptions('state', none, checks), {
      ...{ name: 'TypeError', message: 'fhirstorm-state: the options are missing' },
    })
  }
  for (const [options, name] of [
    [{}, 'name'],
    [{ name: 7 }, 'name'],
    [{ name: 'x', keys: {} }, 'keys'],
    [{ name: 'x', keys: ['hunter2'] }, 'keys'],
  ] as const) {
    assert.throws(
      () => judgeOptions('state', options, checks),
      ({ message }: Error) =>
        message.startsWith(`fhirstorm-state: options.${name} `) && !message.includes('hunter2'),
    )
  }
  judgeOptions('state', { name: 'x' }, checks)
  judgeOptions('state', { name: 'x', keys: [Buffer.alloc(32)] }, checks)
})

test('[GU7] a function or an object passes, and of anything else its kind is told', () => {
  assert.equal(
    aFunction(() => 1),
    undefined,
  )
  assert.equal(anObject({}), undefined)
  for (const [value, kind] of [
    ['hunter2hunter2hunter2', 'another text'],
    [null, 'null'],
    [7, 'a number'],
  ]) {
    assert.equal(aFunction(value), `is ${kind}; it must be a function`)
    assert.equal(anObject(value), `is ${kind}; it must be an object`)
  }
  assert.deepEqual([aFunction(undefined), anObject(undefined)], ['is missing', 'is missing'])
})

test('[GU7] a part that is missing is told with the plugin that brings it', () => {
  const has = (part: string) => ({ hasDecorator: (name: string) => name === part })
  requireParts(has('smartVault'), 'health', ['smartVault'])
  assert.throws(() => requireParts(has('smartGuard'), 'health', ['smartGuard', 'smartVault']), {
    message: 'fhirstorm-health needs app.smartVault: register fhirstorm-vault before it',
  })
})
