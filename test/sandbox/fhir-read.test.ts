import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, type App, createApp, json } from './app.ts'

interface Bundle {
  total?: number
  link: { relation: string; url: string }[]
  entry: { fullUrl: string; resource: Resource; search: { mode: string } }[]
}

interface Resource {
  resourceType: string
  id: string
  [element: string]: unknown
}

let sandbox: Sandbox
let app: App
let token: string

before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  app = createApp(sandbox)
  const parameters = { patient: 'amy-shaw', auto: '1' }
  const scope = 'launch/patient patient/*.rs user/*.rs openid'
  token = (await app.login(createBrowser(), { scope, parameters })).access_token
})
after(() => sandbox.close())

const get = (path: string, headers: Record<string, string> = {}) =>
  app.fhir(token, path, { headers })
const find = (path: string) => json<Bundle>(get(path))
const idsOf = ({ entry }: Bundle) => entry.map(({ resource }) => resource.id)

describe('reading', () => {
  test('a resource comes with its validators, and not again while they hold', async () => {
    const response = await get('/Patient/amy-shaw')
    assert.equal(response.headers.get('etag'), 'W/"1"')
    const modified = response.headers.get('last-modified') ?? ''
    assert.equal((await json<Resource>(response)).id, 'amy-shaw')
    assert.equal((await get('/Patient/amy-shaw', { 'if-none-match': 'W/"1"' })).status, 304)
    assert.equal((await get('/Patient/amy-shaw', { 'if-none-match': 'W/"2"' })).status, 200)
    assert.equal((await get('/Patient/amy-shaw', { 'if-modified-since': modified })).status, 304)
  })

  test('HEAD has the headers of GET and no body', async () => {
    const response = await app.fhir(token, '/Patient/amy-shaw', { method: 'HEAD' })
    assert.equal(response.status, 200)
    assert.ok(Number(response.headers.get('content-length')) > 100)
    assert.equal(await response.text(), '')
  })

  const problems: [path: string, status: number, init?: RequestInit][] = [
    ['/Patient/nobody', 404],
    ['/Unicorn/1', 404],
    ['/Patient/amy-shaw/_history', 404],
    ['/Patient/amy-shaw?_format=html', 406],
    ['/Observation?shoe-size=42', 400],
    ['/Observation?constructor=42', 400],
    ['/Observation?_sort=toString', 400],
    ['/Observation?_include=Observation:constructor', 400],
    ['/Observation?_include=constructor:name', 400],
    ['/Observation?date=yesterday', 400],
    ['/Patient/%E0%A4%A', 400],
    ['/?_getpages=x&_getpagesoffset=0', 410],
    ['/metadata/x', 404],
    ['/Patient', 405, { method: 'PUT' }],
  ]
  for (const [path, status, init] of problems) {
    test(`${init?.method ?? 'GET'} ${path} is ${status} with an OperationOutcome`, async () => {
      const response = await app.fhir(token, path, init)
      assert.equal(response.status, status)
      assert.equal((await json<Resource>(response)).resourceType, 'OperationOutcome')
    })
  }

  test('JSON and XML come as asked for', async () => {
    for (const [path, accept] of [
      ['/Patient/amy-shaw?_format=xml', '*/*'],
      ['/Patient/amy-shaw', 'application/fhir+xml'],
      ['/Observation?_count=1&_format=application/fhir%2Bxml', 'application/json'],
    ] as const) {
      const response = await get(path, { accept })
      assert.equal(response.headers.get('content-type'), 'application/fhir+xml; charset=utf-8')
      assert.match(
        await response.text(),
        /^<\?xml version="1.0"[\s\S]*xmlns="http:\/\/hl7.org\/fhir"/,
      )
    }
    const plain = await get('/Patient/amy-shaw?_format=json', { accept: 'application/fhir+xml' })
    assert.equal(plain.headers.get('content-type'), 'application/fhir+json; charset=utf-8')
  })

  test('a document leads to its content by an absolute address, whole or in parts', async () => {
    const { content } = await json<{ content: { attachment: { url: string; size: number } }[] }>(
      get('/DocumentReference/amy-shaw-picture'),
    )
    const { url, size } = content[0]?.attachment ?? { url: '', size: 0 }
    assert.equal(url, `${sandbox.base('r4')}/Binary/amy-shaw-picture-content`)
    const path = '/Binary/amy-shaw-picture-content'
    const whole = await get(path, { accept: 'image/png' })
    assert.equal(whole.headers.get('content-type'), 'image/png')
    const bytes = Buffer.from(await whole.arrayBuffer())
    assert.equal(bytes.length, size)
    assert.equal(bytes.subarray(1, 4).toString(), 'PNG')
    const part = await get(path, { range: 'bytes=1-3' })
    assert.equal(part.status, 206)
    assert.equal(part.headers.get('content-range'), `bytes 1-3/${size}`)
    assert.equal(await part.text(), 'PNG')
    assert.equal((await get(path, { range: `bytes=${size}-` })).status, 416)
    const resource = await json<Resource>(get(path, { accept: 'application/fhir+json' }))
    assert.equal(resource.contentType, 'image/png')
  })

  test('everything of a patient is one bundle of that patient alone', async () => {
    const bundle = await find('/Patient/ben-ortega/$everything')
    const types = new Set(bundle.entry.map(({ resource }) => resource.resourceType))
    for (const type of ['Patient', 'Encounter', 'Observation', 'Immunization'])
      assert.ok(types.has(type))
    const ids = idsOf(bundle)
    assert.ok(ids.every(id => id.startsWith('ben-ortega')))
    assert.equal(bundle.total, ids.length)
  })
})

describe('searching', () => {
  test('pages lead through all matches, once each, by absolute links', async () => {
    const seen: string[] = []
    let url: string | undefined = '/Observation?patient=ben-ortega&_count=25'
    let total: number | undefined
    while (url !== undefined) {
      const bundle: Bundle = await find(url)
      total ??= bundle.total
      seen.push(...idsOf(bundle))
      const next: string | undefined = bundle.link.find(({ relation }) => relation === 'next')?.url
      assert.ok(next === undefined || next.startsWith(`${sandbox.base('r4')}?_getpages=`))
      url = next?.slice(sandbox.base('r4').length)
    }
    assert.equal(seen.length, total)
    assert.equal(new Set(seen).size, total)
    assert.ok((total ?? 0) > 50)
  })

  test('entries carry the absolute address of their resource', async () => {
    const { entry } = await find('/Condition?patient=amy-shaw')
    for (const { fullUrl, resource, search } of entry) {
      assert.equal(fullUrl, `${sandbox.base('r4')}/Condition/${resource.id}`)
      assert.equal(search.mode, 'match')
    }
  })

  const counts: [query: string, (bundle: Bundle) => boolean][] = [
    ['Patient?_id=amy-shaw,hiro-tanaka', ({ total }) => total === 2],
    ['Patient?name=ortega%20pena', ({ total }) => total === 1],
    ["Patient?family=O'Connor", ({ total }) => total === 1],
    ['Patient?gender=female&birthdate=lt1960', ({ total }) => total === 1],
    ['Patient?identifier=https://sandbox.example/mrn|399833', ({ total }) => total === 1],
    [
      'Observation?code=http://loinc.org|4548-4&subject=Patient/amy-shaw',
      ({ total }) => total === 14,
    ],
    ['Observation?combo-code=8480-6&patient=elena-rossi', ({ total }) => total === 19],
    ['Observation?category=laboratory,vital-signs&patient=ben-ortega', ({ total }) => total === 79],
    ['Observation?category:not=vital-signs&patient=ben-ortega', ({ total }) => total === 0],
    ['Condition?clinical-status=resolved&patient=elena-rossi', ({ total }) => total === 1],
    ['MedicationRequest?status=active&patient=amy-shaw', ({ total }) => total === 3],
    ['Encounter?patient:missing=true', ({ total }) => total === 0],
    ['Observation?patient=nobody', ({ total, entry }) => total === 0 && entry.length === 0],
    ['Observation?patient=amy-shaw&_total=none', ({ total }) => total === undefined],
  ]
  for (const [query, holds] of counts) {
    test(`${query} finds what it should`, async () => assert.ok(holds(await find(`/${query}`))))
  }

  test('dates bound a search, and results are sorted by them', async () => {
    const all = await find('/Observation?patient=amy-shaw&code=4548-4&_sort=date')
    const dates = all.entry.map(({ resource }) => String(resource.effectiveDateTime))
    assert.deepEqual(dates, dates.toSorted())
    const day = dates[6]?.slice(0, 10) ?? ''
    const later = await find(`/Observation?patient=amy-shaw&code=4548-4&date=ge${day}&_sort=-date`)
    const expected = dates.filter(date => date >= day).toReversed()
    assert.deepEqual(
      later.entry.map(({ resource }) => resource.effectiveDateTime),
      expected,
    )
    const on = await find(`/Observation?patient=amy-shaw&code=4548-4&date=${day}`)
    assert.equal(on.total, 1)
  })

  test('what is asked for along is included once', async () => {
    const bundle = await find(
      '/MedicationRequest?patient=amy-shaw&_include=MedicationRequest:requester',
    )
    const included = bundle.entry.filter(({ search }) => search.mode === 'include')
    assert.deepEqual(
      included.map(({ resource }) => resource.id),
      ['maria-rivera'],
    )
    assert.equal(bundle.total, 3)
  })

  test('a search may be posted as a form, and counted only', async () => {
    const response = await app.fhir(token, '/Observation/_search?_summary=count', {
      method: 'POST',
      body: new URLSearchParams({ patient: 'amy-shaw', code: '4548-4' }),
    })
    const bundle = await json<Bundle>(response)
    assert.equal(bundle.total, 14)
    assert.equal(bundle.entry, undefined)
  })
})

test('XML keeps narrative, extensions and primitives as FHIR has them', async () => {
  const { toXml } = await import('../../sandbox/fhir/xml.ts')
  const resource = {
    resourceType: 'Patient',
    id: 'a',
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Hi</div>' },
    extension: [{ url: 'http://e', valueString: 'a "b" <c>' }],
    birthDate: '1970-01-01',
    _birthDate: { id: 'x', extension: [{ url: 'http://t', valueTime: '10:00:00' }] },
    name: [{ given: ['A', 'B'] }],
    contained: [{ resourceType: 'Organization', active: true }],
  }
  assert.equal(
    toXml(resource),
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      '<Patient xmlns="http://hl7.org/fhir"><id value="a"/>' +
      '<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">Hi</div></text>' +
      '<extension url="http://e"><valueString value="a &#34;b&#34; &#60;c&#62;"/></extension>' +
      '<birthDate id="x" value="1970-01-01">' +
      '<extension url="http://t"><valueTime value="10:00:00"/></extension></birthDate>' +
      '<name><given value="A"/><given value="B"/></name>' +
      '<contained><Organization><active value="true"/></Organization></contained></Patient>\n',
  )
})
