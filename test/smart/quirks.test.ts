import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyPreset, describePreset, isPresetName, presetNames } from '../../src/smart/presets.ts'
import { quirksSchema, quirkTable, resolveQuirks, strictQuirks } from '../../src/smart/quirks.ts'

test('every quirk is strict unless it is written', () => {
  assert.deepEqual(resolveQuirks(), strictQuirks)
  assert.deepEqual(resolveQuirks({ basicEncoding: undefined }), strictQuirks)
  assert.deepEqual(resolveQuirks({ basicEncoding: 'raw' }), {
    ...strictQuirks,
    basicEncoding: 'raw',
  })
})

test('the table describes each quirk that can be written, and no other', () => {
  const written = Object.keys(quirksSchema.shape).sort()
  assert.deepEqual(quirkTable.map(({ name }) => name).sort(), written)
  assert.ok(quirkTable.every(({ relaxes, neededBy }) => relaxes && neededBy))
})

test('[Q9] there is no quirk for state, PKCE, signature, nonce or audience of an id_token', () => {
  const refused = /state|pkce|verifier|challenge|signature|nonce|idToken|skip|insecure/i
  assert.deepEqual(
    Object.keys(quirksSchema.shape).filter(name => refused.test(name)),
    [],
  )
  assert.throws(() => quirksSchema.parse({ pkce: false }))
})

test('each preset is nothing but settings that may be written by hand', () => {
  for (const name of presetNames) {
    const { vendor, note, settings } = describePreset(name)
    assert.ok(vendor && note)
    quirksSchema.parse(settings.quirks ?? {})
    for (const origin of settings.origins ?? []) assert.equal(new URL(origin).origin, origin)
    const known = ['origins', 'issuers', 'aud', 'idToken', 'quirks']
    assert.deepEqual(
      Object.keys(settings).filter(key => !known.includes(key)),
      [],
    )
  }
})

test('the vendors of the catalogue have a preset', () => {
  for (const name of [
    ...['epic', 'oracle', 'athenahealth', 'eclinicalworks', 'meditech', 'veradigm', 'nextgen'],
    ...['smarthealthit', 'azure', 'medplum', 'aidbox', 'google', 'aws'],
  ]) {
    assert.ok(isPresetName(name), name)
  }
  for (const name of ['constructor', '__proto__', '', 7, undefined]) assert.ok(!isPresetName(name))
})

test('what is written wins over the preset, and lists are joined', () => {
  const written = { id: 'x', origins: ['https://a.test'], quirks: { scopeVersion: 'v1' } }
  assert.deepEqual(applyPreset('epic', written), {
    id: 'x',
    origins: ['https://a.test'],
    quirks: { basicEncoding: 'raw', scopeVersion: 'v1' },
  })
  assert.deepEqual(applyPreset('epic', { quirks: { basicEncoding: 'form' } }).quirks, {
    basicEncoding: 'form',
  })
  const { origins } = applyPreset('athenahealth', { origins: ['https://a.test'] })
  assert.deepEqual(origins, [
    'https://a.test',
    'https://api.platform.athenahealth.com',
    'https://athena.okta.com',
  ])
  assert.equal(applyPreset('smarthealthit-dstu2', { idToken: 'verify' }).idToken, 'verify')
})

test('[Q4] Epic gets raw Basic by its preset alone', () => {
  const quirks = presetNames.filter(
    name => describePreset(name).settings.quirks?.basicEncoding === 'raw',
  )
  assert.deepEqual(quirks, ['epic'])
})
