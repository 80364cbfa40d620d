import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, createApp, json, type Tokens } from './app.ts'

// The tutorial's own scopes.
const SCOPE = 'launch patient/*.* openid profile offline_access launch/patient'

let sandbox: Sandbox
let tokens: Tokens
let call: (path: string, init?: RequestInit) => Promise<Response>
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  const app = createApp(sandbox, 'dstu2')
  const parameters = { patient: 'amy-shaw', auto: '1' }
  tokens = await app.login(createBrowser(), { scope: SCOPE, parameters })
  call = (path, init) => app.fhir(tokens.access_token, path, init)
})
after(() => sandbox.close())

test("the tutorial's login works", () => {
  assert.equal(tokens.scope, SCOPE)
  assert.equal(tokens.patient, 'amy-shaw')
})

test('a patient has the shape of DSTU2', async () => {
  const response = await call('/Patient/amy-shaw')
  assert.equal(response.headers.get('content-type'), 'application/json+fhir; charset=utf-8')
  const patient = await json<{ name: { family: string[] }[]; careProvider: unknown[] }>(response)
  assert.deepEqual(patient.name[0]?.family, ['Shaw'])
  assert.equal(patient.careProvider.length, 1)
})

test('observations are searched, and have the shape of DSTU2', async () => {
  const bundle = await json<{
    total: number
    entry: { fullUrl: string; resource: { category: { coding: unknown[] } } }[]
  }>(call('/Observation?patient=amy-shaw&category=vital-signs&_count=3'))
  assert.ok(bundle.total > 100)
  assert.match(bundle.entry[0]?.fullUrl ?? '', /\/dstu2\/Observation\//)
  assert.deepEqual(bundle.entry[0]?.resource.category, {
    coding: [{ system: 'http://hl7.org/fhir/observation-category', code: 'vital-signs' }],
  })
})

test('conditions name their patient', async () => {
  const { entry } = await json<{ entry: { resource: Record<string, unknown> }[] }>(
    call('/Condition?patient=amy-shaw'),
  )
  assert.deepEqual(entry[0]?.resource.patient, { reference: 'Patient/amy-shaw' })
  assert.equal(entry[0]?.resource.clinicalStatus, 'active')
})

test('medication orders have their names of then, in types, links and parameters', async () => {
  const bundle = await json<{
    total: number
    link: { relation: string; url: string }[]
    entry: { fullUrl: string; resource: Record<string, unknown> }[]
  }>(call('/MedicationOrder?patient=amy-shaw&_sort:desc=datewritten&_count=2&status=active'))
  assert.equal(bundle.total, 3)
  const [first, second] = bundle.entry.map(({ resource }) => resource)
  assert.equal(first?.resourceType, 'MedicationOrder')
  assert.deepEqual(first?.patient, { reference: 'Patient/amy-shaw' })
  assert.ok(first?.prescriber && first.medicationCodeableConcept && first.dosageInstruction)
  assert.ok(String(first?.dateWritten) > String(second?.dateWritten))
  assert.match(bundle.entry[0]?.fullUrl ?? '', /\/dstu2\/MedicationOrder\/amy-shaw-/)
  assert.match(bundle.link[0]?.url ?? '', /\/dstu2\/MedicationOrder\?/)
  const next = bundle.link.find(({ relation }) => relation === 'next')?.url ?? ''
  const page = await json<typeof bundle>(call(next.slice(next.indexOf('?'))))
  assert.equal(page.entry[0]?.resource.resourceType, 'MedicationOrder')
  const own = await json(call(`/MedicationOrder/${first?.id}`))
  assert.equal(own.resourceType, 'MedicationOrder')
  assert.equal((await call('/MedicationRequest')).status, 404)
})

test('a scope on medication orders opens them, and nothing else', async () => {
  const app = createApp(sandbox, 'dstu2')
  const { access_token: token } = await app.login(createBrowser(), {
    scope: 'launch/patient patient/MedicationOrder.read openid',
    parameters: { patient: 'amy-shaw', auto: '1' },
  })
  assert.equal((await app.fhir(token, '/MedicationOrder?patient=amy-shaw')).status, 200)
  assert.equal((await app.fhir(token, '/Condition?patient=amy-shaw')).status, 403)
})

const shapes: [query: string, members: Record<string, unknown>][] = [
  [
    'MedicationStatement?patient=amy-shaw&status=active',
    { patient: { reference: 'Patient/amy-shaw' }, wasNotTaken: false, status: 'active' },
  ],
  [
    'AllergyIntolerance?patient=amy-shaw&status=active',
    { status: 'active', category: 'medication', criticality: 'CRITH', clinicalStatus: undefined },
  ],
  ['Immunization?patient=amy-shaw', { wasNotGiven: false, occurrenceDateTime: undefined }],
  ['Encounter?patient=amy-shaw', { class: 'ambulatory', subject: undefined }],
  ['Condition?patient=amy-shaw&clinicalstatus=active', { verificationStatus: 'confirmed' }],
  ['DocumentReference?patient=amy-shaw', { category: undefined, date: undefined }],
]
for (const [query, members] of shapes) {
  test(`${query} finds resources of that shape`, async () => {
    const { entry } = await json<{ entry: { resource: Record<string, unknown> }[] }>(
      call(`/${query}`),
    )
    const resource = entry[0]?.resource ?? assert.fail('nothing was found')
    assert.equal(resource.resourceType, query.split('?')[0])
    for (const [name, value] of Object.entries(members)) assert.deepEqual(resource[name], value)
  })
}

test('a practitioner and a substance are what they were', async () => {
  const physician = await json<{ name: { family: string[] } }>(call('/Practitioner/maria-rivera'))
  assert.deepEqual(physician.name.family, ['Rivera'])
  const allergy = await json<{ substance: { text: string }; onset: string }>(
    call('/AllergyIntolerance/amy-shaw-penicillin'),
  )
  assert.equal(allergy.substance.text, 'Allergy to penicillin')
  assert.match(allergy.onset, /^\d{4}-\d\d-\d\d$/)
})

test('the statement lists the types and parameters of then', async () => {
  const statement = await json<{
    rest: { resource: { type: string; searchParam: { name: string }[] }[] }[]
  }>(call('/metadata'))
  const orders = statement.rest[0]?.resource.find(({ type }) => type === 'MedicationOrder')
  const names = orders?.searchParam.map(({ name }) => name) ?? []
  assert.ok(names.includes('datewritten') && !names.includes('authoredon'))
})

test('what public calculators and growth charts ask for is there, on both faces', async () => {
  const risk = ['30522-7', '14647-2', '2093-3', '2085-9', '8480-6', '55284-4', '72166-2']
  const growth = ['3141-9', '8302-2', '8287-5', '39156-5', '18185-9', '37362-1', '11884-4']
  const codes = (list: string[]) => list.map(code => `http://loinc.org|${code}`).join(',')
  for (const [face, scope] of [
    ['dstu2', SCOPE],
    ['r4', 'launch/patient patient/*.rs openid'],
  ] as const) {
    for (const [patient, list, missing] of [
      ['farid-haddad', risk, ['14647-2']],
      ['daniel-okafor', growth, ['18185-9']],
    ] as const) {
      const app = createApp(sandbox, face)
      const parameters = { patient, auto: '1' }
      const { access_token: token } = await app.login(createBrowser(), { scope, parameters })
      const query = `/Observation?patient=${patient}&_count=250&code=${codes([...list])}`
      const { entry } = await json<{
        entry: { resource: { code: { coding: { code: string }[] } } }[]
      }>(app.fhir(token, query))
      const found = new Set(entry.flatMap(one => one.resource.code.coding.map(({ code }) => code)))
      assert.deepEqual(
        list.filter(code => !found.has(code)),
        missing,
      )
      const family = await json<{ total: number }>(
        app.fhir(token, `/FamilyMemberHistory?patient=${patient}`),
      )
      assert.equal(family.total, patient === 'daniel-okafor' ? 2 : 0)
    }
  }
})

test('the face is read only, and refuses in its own media type', async () => {
  const response = await call('/Observation', { method: 'POST', body: '{}' })
  assert.equal(response.status, 405)
  assert.equal(response.headers.get('content-type'), 'application/json+fhir; charset=utf-8')
})
