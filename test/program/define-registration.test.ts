// A registration written in code is the one that the same settings make in a configuration, and what is
// wrong with it is said by setting.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { loadConfig } from '../../program/config/load.ts'
import { defineRegistration, type RegistrationSettings } from '../../program/define-registration.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'
import { presetNames } from '../../src/smart/presets.ts'

const settings: RegistrationSettings = {
  id: 'general',
  iss: 'https://ehr.example.org/fhir/r4',
  clientId: 'app',
  clientAuth: { method: 'client_secret_basic', secret: 'a secret that was registered there' },
  scope: 'launch openid fhirUser patient/*.rs',
  redirectUri: 'https://app.example.org/redirect',
}

const keyRing = printKeyRing(makeKeyRing())

async function configure(ehr: object) {
  const config = await loadConfig({
    file: {
      name: 'fhirstorm.yaml',
      text: stringify({
        publicUrl: 'https://app.example.org',
        keysFile: 'keys.json',
        vault: { kind: 'memory' },
        ehrs: [ehr],
      }),
    },
    env: {},
    readFile: async () => keyRing,
  })
  return config.registrations[0]
}

test('the same settings in code and in a configuration make the same registration', async () => {
  const optional = fc.record(
    {
      // In a file `${A}` is the environment's.
      name: fc
        .string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' })
        .filter(name => !name.includes('${')),
      preset: fc.constantFrom(...presetNames),
      origins: fc.subarray(['https://login.example.org', 'https://keys.example.org']),
      issuers: fc.subarray(['https://login.example.org/tenant']),
      baseAliases: fc.subarray(['https://old.example.org/fhir']),
      aud: fc.constantFrom('iss', 'none', 'https://ehr.example.org'),
      idToken: fc.constantFrom('verify' as const, 'require' as const, 'ignore' as const),
      requirePatient: fc.boolean(),
      embedded: fc.boolean(),
      rewrite: fc.boolean(),
      upstreamCompression: fc.constantFrom('identity' as const, 'gzip' as const),
      extras: fc.subarray(['site', 'department']),
      quirks: fc.record(
        {
          scopeVersion: fc.constantFrom('asWritten' as const, 'v1' as const),
          tokenTypeOptional: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(optional, async chosen => {
      const { redirectUri: _ours, ...written } = { name: settings.id, ...settings, ...chosen }
      const configured = await configure(written)
      assert.deepEqual(
        JSON.parse(JSON.stringify(defineRegistration({ ...settings, ...chosen }))),
        JSON.parse(JSON.stringify(configured)),
      )
    }),
    { numRuns: 60 },
  )
})

test('a registration in code is refused by setting, in one sentence for each fault', () => {
  const refused = (changes: object, sentence: RegExp) =>
    assert.throws(() => defineRegistration({ ...settings, ...changes }), {
      name: 'TypeError',
      message: sentence,
    })
  refused({ iss: 'http://ehr.example.org/fhir' }, /^defineRegistration: iss: must be a plain https/)
  refused({ redirectUri: '/redirect' }, /redirectUri: must be an http\(s\) URL/)
  refused({ scope: 'system/*.rs' }, /scope: the scope .* is for clients without a user/)
  refused(
    { scope: 'patient/*.rs', idToken: 'require' },
    /scope: an id_token needs the scope openid/,
  )
  refused({ caFile: '/etc/ca.pem' }, /caFile: there is no such setting/)
  refused({ network: { reach: 'everywhere' } }, /network\.reach: /)
  refused(
    { clientAuth: { method: 'private_key_jwt', keys: [] } },
    /clientAuth\.keys: there is no client key/,
  )
  refused({ id: 'General', clientId: '' }, /id: must be 1 to 32 .*; clientId: /)
  refused({ clientAuth: { method: 'client_secret_basic', secret: 12345 } }, /^(?!.*12345)/)
})
