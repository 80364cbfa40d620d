import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseLaunchContext } from '../../../src/smart/context/context.ts'

function parse(members: Record<string, unknown>, extras: string[] = []) {
  const origins = ['https://ehr.test', 'http://127.0.0.1:5001']
  const iss = 'https://ehr.test/fhir/'
  const baseAliases = ['https://old.ehr.test/r4']
  return parseLaunchContext(new Map(Object.entries(members)), { extras, origins, iss, baseAliases })
}

test('[AL-49] an answer without context has an empty one', () => {
  const { context, warnings } = parse({ access_token: 'a', patient: undefined, encounter: null })
  assert.deepEqual(JSON.parse(JSON.stringify(context)), {
    fhirContext: [],
    needPatientBanner: true,
    extras: {},
  })
  assert.deepEqual(warnings, [])
})

test('[SC-23, SC-24, T8] patient and encounter are ids, bare or with their type', () => {
  for (const id of [
    '123',
    'a-1.E-195900',
    'Tbt3KuCY0B5PSrJvCu2j-PlK.aiHsu2xUjUM8bWpetXoB',
    'x'.repeat(64),
  ]) {
    const { context } = parse({ patient: `Patient/${id}`, encounter: id })
    assert.deepEqual([context.patient, context.encounter], [id, id])
  }
  for (const bad of [
    ...['../../x', '..', '.', '...', 'a/b', 'Encounter/1/2', 'a b', '<b>', 'a?b', 'a%2e', 'é'],
    ...['x'.repeat(65), 'x'.repeat(10_000_000), {}, ['1'], true, 'a\n'],
  ]) {
    const { context, warnings } = parse({ patient: bad, encounter: bad })
    assert.deepEqual([context.patient, context.encounter], [undefined, undefined])
    const [patient, encounter, ...more] = warnings.map(text => text.split(': ')[0])
    assert.deepEqual([patient, encounter, more], ['patient dropped', 'encounter dropped', []])
  }
  assert.equal(parse({ patient: 'Encounter/1' }).context.patient, undefined)
})

test('[Q44] an id is read in each spelling that leaves nothing to guess, and in no other', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/)
  const spellings: ((id: string) => unknown)[] = [
    text => text,
    text => `Patient/${text}`,
    text => `Patient/${text}/_history/3`,
    text => `https://ehr.test/fhir/Patient/${text}`,
    text => `https://old.ehr.test/r4/Patient/${text}`,
    text => ({ reference: `Patient/${text}` }),
  ]
  const readings: ((id: string) => unknown)[] = [
    text => `https://evil.test/fhir/Patient/${text}`,
    text => `https://ehr.test/fhirs/Patient/${text}`,
    text => `https://ehr.test/fhir/${text}`,
    text => `Practitioner/${text}`,
    text => `Patient/${text}/Observation/1`,
    text => `Patient/${text}?x=1`,
    text => `/Patient/${text}`,
    text => `urn:uuid:${text}`,
    text => [text],
  ]
  fc.assert(
    fc.property(id, fc.constantFrom(...spellings), (text, spell) => {
      const { context, warnings } = parse({ patient: spell(text) })
      assert.deepEqual([context.patient, warnings], [text, []])
    }),
  )
  fc.assert(
    fc.property(id, fc.constantFrom(...readings), (text, spell) => {
      const { context, warnings } = parse({ patient: spell(text) })
      assert.equal(context.patient, undefined)
      assert.match(warnings.join(), /^patient dropped: [a-zA-Z ]+$/)
    }),
  )
  fc.assert(
    fc.property(fc.double(), number => {
      const exact = Number.isSafeInteger(number)
      assert.equal(parse({ patient: number }).context.patient, exact ? String(number) : undefined)
    }),
  )
  assert.equal(parse({ patient: 4711 }).context.patient, '4711')
  for (const absent of [null, '', undefined])
    assert.deepEqual(parse({ patient: absent }).warnings, [])
})

test('[SC-25, SC-26] fhirContext items need a resource and a role', () => {
  const good = [
    { reference: 'ImagingStudy/1' },
    { canonical: 'http://example.org/Questionnaire/q|1', type: 'Questionnaire' },
    { identifier: { system: 'urn:x', value: '7' }, role: 'https://example.org/role' },
  ]
  const bad = [
    {},
    { role: 'launch' },
    { reference: '' },
    { reference: 7 },
    { identifier: {} },
    null,
    7,
  ]
  const roleless = { reference: 'ImagingStudy/2', role: '' }
  const { context, warnings } = parse({ fhirContext: [...good, ...bad, roleless] })
  assert.deepEqual(JSON.parse(JSON.stringify(context.fhirContext)), [
    { reference: 'ImagingStudy/1', role: 'launch' },
    { canonical: 'http://example.org/Questionnaire/q|1', type: 'Questionnaire', role: 'launch' },
    { identifier: { system: 'urn:x', value: '7' }, role: 'https://example.org/role' },
  ])
  assert.deepEqual(warnings, ['fhirContext: items dropped'])
})

test('[SC-25] the old list of references is read too, and anything else is dropped', () => {
  const { context } = parse({ fhirContext: ['ImagingStudy/1', 'Task/2'] })
  assert.deepEqual(
    context.fhirContext.map(({ reference, role }) => [reference, role]),
    [
      ['ImagingStudy/1', 'launch'],
      ['Task/2', 'launch'],
    ],
  )
  for (const junk of ['x', 7, {}, true]) {
    const { context: none, warnings } = parse({ fhirContext: junk })
    assert.deepEqual([none.fhirContext, warnings], [[], ['fhirContext dropped']])
  }
})

test('[SC-27] a patient in fhirContext never becomes the patient of the session', () => {
  const { context, warnings } = parse({ fhirContext: [{ reference: 'Patient/9' }] })
  assert.equal(context.patient, undefined)
  assert.equal(context.fhirContext.length, 1)
  assert.match(warnings.join(), /without a role of its own/)
  const related = [{ reference: 'Patient/9', role: 'https://example.org/mother' }]
  assert.deepEqual(parse({ fhirContext: related }).warnings, [])
})

test('[SC-28] references to other servers are kept as they are', () => {
  const reference = 'https://other.test/fhir/ImagingStudy/1'
  assert.equal(parse({ fhirContext: [{ reference }] }).context.fhirContext[0]?.reference, reference)
})

test('[T8] what fhirContext refers to is no script', () => {
  const scripts = [
    'javascript:alert(1)',
    ' JavaScript:x',
    'data:text/html,x',
    'vbscript:x',
    'a b:c',
  ]
  for (const reference of scripts) {
    const fhirContext = [
      { reference },
      { canonical: reference },
      reference,
      { reference: 'Task/1' },
    ]
    const { context, warnings } = parse({ fhirContext })
    assert.deepEqual(
      context.fhirContext.map(item => item.reference),
      ['Task/1'],
    )
    assert.deepEqual(warnings, ['fhirContext: items dropped'])
  }
  for (const reference of [
    'urn:uuid:5',
    'HTTP://other.test/Task/1',
    'Task/a:b',
    '#a:b',
    'Task?a=b:c',
  ]) {
    assert.equal(parse({ fhirContext: [{ reference }] }).context.fhirContext.length, 1, reference)
  }
})

test('[T8] fhirContext is bounded', () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ reference: `Task/${i}` }))
  const { context, warnings } = parse({ fhirContext: many })
  assert.equal(context.fhirContext.length, 100)
  assert.deepEqual(warnings, ['fhirContext: items dropped'])
  const huge = [{ reference: `Task/${'x'.repeat(5000)}` }]
  assert.deepEqual(parse({ fhirContext: huge }).context.fhirContext, [])
})

test('[SC-29] the banner is needed unless the EHR says it is not', () => {
  const banner = (value: unknown) => parse({ need_patient_banner: value }).context.needPatientBanner
  for (const value of [undefined, null, true, 'true', 'yes', 0, {}])
    assert.equal(banner(value), true)
  for (const value of [false, 'false']) assert.equal(banner(value), false)
})

test('[SC-30, SC-32] intent and tenant are opaque, short and printable', () => {
  const { context } = parse({ intent: 'reconcile-medications', tenant: 'Ämt/7 ../x' })
  assert.deepEqual([context.intent, context.tenant], ['reconcile-medications', 'Ämt/7 ../x'])
  for (const bad of ['a\nb', 'a\u0000', '\ud800', 'x'.repeat(257), 7, {}]) {
    const { context: none, warnings } = parse({ intent: bad, tenant: bad })
    assert.deepEqual([none.intent, none.tenant], [undefined, undefined])
    assert.deepEqual(warnings, ['intent dropped', 'tenant dropped'])
  }
})

test('[SC-31, T8] a style URL is https and told as it was written', () => {
  const url = 'https://ehr.test:443/styles/v1.json?x=%2F'
  assert.equal(parse({ smart_style_url: url }).context.smartStyleUrl, url)
  const local = 'http://127.0.0.1:5001/style.json'
  assert.equal(parse({ smart_style_url: local }).context.smartStyleUrl, local)
  for (const bad of [
    ...[
      'javascript:alert(1)',
      'http://ehr.test/s.json',
      'http://127.0.0.1/s.json',
      '//ehr.test/s.json',
      '/s.json',
      'data:,x',
    ],
    ...[
      'https://u:p@ehr.test/',
      'https://',
      'https://ehr.test:99999/s.json',
      'https://a b',
      `https://ehr.test/${'x'.repeat(3000)}`,
      7,
    ],
    ...['HTTPS://ehr.test/\n', ' https://ehr.test/'],
  ]) {
    assert.equal(parse({ smart_style_url: bad }).context.smartStyleUrl, undefined, String(bad))
  }
  const longest = `https://ehr.test/${'x'.repeat(2_048 - 17)}`
  assert.equal(parse({ smart_style_url: longest }).context.smartStyleUrl, longest)
  assert.equal(parse({ smart_style_url: `${longest}x` }).context.smartStyleUrl, undefined)
})

test('[SC-41, TL-02] other members pass only where they are allow-listed', () => {
  const members = {
    appContext: '{"a":1}',
    'https://ehr.test/ext/ward': { code: 'W1' },
    __epic_dstu2_patient: 'x',
    other: 1,
  }
  assert.deepEqual(parse(members).context.extras, {})
  const allowed = ['appContext', 'https://ehr.test/ext/ward', 'absent']
  assert.deepEqual(parse(members, allowed).context.extras, {
    appContext: '{"a":1}',
    'https://ehr.test/ext/ward': { code: 'W1' },
  })
})

test('[AL-49, T8] no allow-list lets a token through, nor what is too large', () => {
  const members = { access_token: 'a', refresh_token: 'r', id_token: 'i', big: 'x'.repeat(5000) }
  const { context, warnings } = parse(members, Object.keys(members))
  assert.deepEqual(context.extras, {})
  assert.deepEqual(warnings, ['big dropped'])
})

test('[T9] names of Object.prototype are names like any other', () => {
  const { context } = parse(JSON.parse('{"constructor":"c","toString":"t"}'), [
    'constructor',
    'valueOf',
  ])
  assert.deepEqual(Object.entries(context.extras), [['constructor', 'c']])
  assert.equal(parse({}).context.patient, undefined)
})

test('[AL-50] authorization_details are parsed, and entries of other kinds dropped', () => {
  const entry = {
    type: 'smart_on_fhir',
    locations: ['https://ehr.test/fhir/r4'],
    fhirVersions: ['4.0.1'],
    scope: 'patient/*.rs',
    patient: 'Patient/1',
    encounter: '2',
  }
  const { context } = parse({ authorization_details: [entry] })
  assert.deepEqual(context.authorizationDetails, [{ ...entry, patient: '1' }])
  const bad = [
    ...[
      { ...entry, type: 'other' },
      { ...entry, locations: ['javascript:x'] },
      { ...entry, locations: 'x' },
    ],
    ...[
      7,
      null,
      { type: 'smart_on_fhir' },
      { ...entry, locations: Array(60).fill('https://a.test') },
    ],
  ]
  const dropped = parse({ authorization_details: bad })
  assert.deepEqual(dropped.context.authorizationDetails, [])
  assert.deepEqual(dropped.warnings, ['authorization_details: entries dropped'])
  assert.equal(parse({}).context.authorizationDetails, undefined)
})

test('[T8] whatever an EHR sends, the context is small and typed', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.jsonValue(),
    fc.constant('x'.repeat(100_000)),
  )
  const names = [
    'patient',
    'encounter',
    'fhirContext',
    'intent',
    'tenant',
    'smart_style_url',
    'need_patient_banner',
    'authorization_details',
  ]
  const members = fc.record(Object.fromEntries(names.map(name => [name, value])), {
    requiredKeys: [],
  })
  fc.assert(
    fc.property(members, given => {
      const { context } = parse(given)
      assert.ok(JSON.stringify(context).length < 200_000)
      for (const id of [context.patient, context.encounter]) {
        assert.ok(id === undefined || /^[A-Za-z0-9._-]{1,64}$/.test(id))
      }
    }),
  )
})
