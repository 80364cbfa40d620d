// Faces that say the right thing in another form: codings, media types, charsets, entity tags, links.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, createApp } from './app.ts'
import { type Exchange, type Exchanged, exchange } from './wire.ts'

const PATIENT = '/Patient/grace-lindqvist'
const OFFICIAL = 'Grace Märta Lindqvist'

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
})
after(() => sandbox.close())

/** A token for a face, from a whole login; token answers in a strange form are read by `decode`. */
async function login(face: string, decode: (bytes: Buffer) => Buffer = bytes => bytes) {
  const app = createApp(sandbox, face)
  const { url, verifier } = app.request({
    scope: 'user/*.cruds openid fhirUser',
    parameters: { patient: 'grace-lindqvist', auto: '1' },
  })
  const callback = await app.authorize(createBrowser(), url)
  const { authorization, body } = app.tokenRequest(
    callback.searchParams.get('code') ?? '',
    verifier,
  )
  const answer = await exchange(`${sandbox.url}/faces/${face}/oauth/token`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })
  const { access_token: token } = JSON.parse(String(decode(answer.body)))
  const fhir = (path: string, { headers, ...options }: Exchange = {}): Promise<Exchanged> =>
    exchange(`${sandbox.base(face)}${path}`, {
      ...options,
      headers: { authorization: `Bearer ${token}`, ...(headers as Record<string, string>) },
    })
  return { answer, fhir }
}

const nameIn = (document: string) => JSON.parse(document).name[0].text

const codings: [name: string, label: string, decode: (bytes: Buffer) => Buffer][] = [
  ['gzip', 'gzip', gunzipSync],
  ['gzip-capitals', 'GZIP', gunzipSync],
  ['x-gzip', 'x-gzip', gunzipSync],
  ['deflate', 'deflate', inflateSync],
  ['deflate-raw', 'deflate', inflateRawSync],
  ['br', 'br', brotliDecompressSync],
  ['gzip-twice', 'gzip, gzip', bytes => gunzipSync(gunzipSync(bytes))],
  ['coding-utf-8', 'utf-8', bytes => bytes],
  ['coding-empty', '', bytes => bytes],
  ['coding-identity', 'identity', bytes => bytes],
  ['coding-unknown', 'squeeze', bytes => bytes],
  ['gzip-lie', 'gzip', bytes => bytes],
]
for (const [name, label, decode] of codings) {
  test(`${name}: Content-Encoding is "${label}", and the bytes are what they are`, async () => {
    const { answer } = await login(`${name}-protocol`, decode)
    assert.deepEqual(answer.header('content-encoding'), [label])
    const { fhir } = await login(`${name}-fhir`)
    const read = await fhir(PATIENT, { headers: { 'accept-encoding': 'identity' } })
    assert.deepEqual(read.header('content-encoding'), [label])
    assert.equal(nameIn(String(decode(read.body))), OFFICIAL)
    for (const path of ['/.well-known/smart-configuration', '/metadata']) {
      const document = await exchange(`${sandbox.base(`${name}-protocol`)}${path}`)
      assert.deepEqual(document.header('content-encoding'), [label])
      assert.ok(JSON.parse(String(decode(document.body))))
    }
    const keys = await exchange(`${sandbox.url}/faces/${name}-protocol/oauth/jwks`)
    assert.equal(JSON.parse(String(decode(keys.body))).keys.length, 1)
  })
}

test('gzip-bomb unfolds to a thousand times its size, and is JSON', async () => {
  const url = `${sandbox.base('gzip-bomb-protocol')}/.well-known/smart-configuration`
  const { body } = await exchange(url)
  assert.ok(body.length < 200_000)
  const document = gunzipSync(body)
  assert.ok(document.length > 64 * 1024 * 1024)
  assert.match(String(document.subarray(0, 100)), /^\{"issuer":/)
  assert.match(String(document.subarray(-2)), /"\}$/)
  const { body: read } = await (await login('gzip-bomb-fhir')).fhir(PATIENT)
  assert.ok(read.length < 200_000 && gunzipSync(read).length > 64 * 1024 * 1024)
})

test('gzip-cut ends too early', async () => {
  const { body } = await (await login('gzip-cut-fhir')).fhir(PATIENT)
  assert.throws(() => gunzipSync(body), /unexpected end/)
})

const types: [name: string, types: string[]][] = [
  ['type-semicolon', ['application/json; charset=utf-8;']],
  ['type-twice', ['application/fhir+json; charset=utf-8', 'application/fhir+json; charset=utf-8']],
  [
    'type-twice-listed',
    ['application/fhir+json; charset=utf-8, application/fhir+json; charset=utf-8'],
  ],
  ['type-twice-different', ['text/html', 'application/fhir+json; charset=utf-8']],
  ['type-missing', []],
  ['type-capitals', ['Application/JSON; Charset=UTF-8']],
  ['type-quoted', ['application/json;charset="utf-8"']],
  ['type-text', ['text/json']],
  ['type-word', ['json']],
]
for (const [name, expected] of types) {
  test(`${name}: ${expected.join(' and ') || 'no Content-Type'}`, async () => {
    const { fhir } = await login(`${name}-fhir`)
    const read = await fhir(PATIENT)
    assert.deepEqual(read.header('content-type'), expected)
    assert.equal(nameIn(String(read.body)), OFFICIAL)
    const { answer } = await login(`${name}-protocol`)
    const plain = expected.map(type =>
      type.replaceAll('application/fhir+json; charset=utf-8', 'application/json'),
    )
    assert.deepEqual(answer.header('content-type'), plain)
    assert.equal(
      (await fhir('/Binary/grace-lindqvist-picture-content')).header('content-type')[0],
      'image/png',
    )
  })
}

test('charsets are what the header says', async () => {
  for (const [name, charset, encoding] of [
    ['charset-latin-1-fhir', 'ISO-8859-1', 'iso-8859-1'],
    ['charset-windows-1252-fhir', 'windows-1252', 'windows-1252'],
    ['charset-utf-16-fhir', 'utf-16le', 'utf-16le'],
  ] as const) {
    const read = await (await login(name)).fhir(PATIENT)
    assert.deepEqual(read.header('content-type'), [`application/fhir+json; charset=${charset}`])
    assert.equal(nameIn(new TextDecoder(encoding).decode(read.body)), OFFICIAL)
  }
  const unknown = await (await login('charset-unknown-fhir')).fhir(PATIENT)
  assert.deepEqual(unknown.header('content-type'), ['application/fhir+json; charset=x-ours'])
  const marked = await (await login('utf-8-mark-fhir')).fhir(PATIENT)
  const { body } = await exchange(`${sandbox.base('utf-8-mark-protocol')}/metadata`)
  for (const bytes of [marked.body, body]) {
    assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  }
})

test('strong-tags tells strong tags, and takes weak ones for others', async () => {
  const { fhir } = await login('strong-tags')
  const read = await fhir(PATIENT)
  assert.deepEqual(read.header('etag'), ['"1"'])
  const conditional = (tag: string) => fhir(PATIENT, { headers: { 'if-none-match': tag } })
  assert.equal((await conditional('"1"')).status, 304)
  assert.equal((await conditional('W/"1"')).status, 200)
  const write = (tag: string) =>
    fhir(PATIENT, {
      method: 'PUT',
      headers: { 'if-match': tag, 'content-type': 'application/fhir+json' },
      body: String(read.body),
    })
  assert.equal((await write('W/"1"')).status, 412)
  const written = await write('"1"')
  assert.equal(written.status, 200)
  assert.deepEqual(written.header('etag'), ['"2"'])
})

test('prefers-xml writes JSON only when it is named', async () => {
  const { fhir } = await login('prefers-xml')
  assert.match(String((await fhir(PATIENT, { headers: { accept: '*/*' } })).body), /<Patient/)
  const named = await fhir(PATIENT, { headers: { accept: 'application/fhir+json' } })
  assert.equal(nameIn(String(named.body)), OFFICIAL)
})

test('binaries redirect, headers are large, and Content-Location is elsewhere', async () => {
  const binary = '/Binary/grace-lindqvist-picture-content'
  const redirected = await (await login('binary-redirect')).fhir(binary)
  assert.equal(redirected.status, 302)
  assert.match(redirected.header('location')[0] ?? '', /^https:\/\/store\.example\//)
  const large = await (await login('fhir-headers-20k')).fhir(PATIENT)
  assert.equal(`${large.header('x-trace')}${large.header('x-policy')}`.length, 20_000)
  const located = await (await login('fhir-content-location')).fhir(PATIENT)
  assert.deepEqual(located.header('content-location'), ['https://store.example/objects/1'])
})

const links: [face: string, beginning: (base: URL) => string][] = [
  ['links-host-relative', ({ pathname }) => `${pathname}?_getpages=`],
  ['links-scheme-relative', ({ host, pathname }) => `//${host}${pathname}?_getpages=`],
  ['links-dots', ({ href }) => `${href}/../fhir?_getpages=`],
  ['links-encoded', ({ href }) => `${href.replace(/fhir$/, '%66hir')}?_getpages=`],
  ['links-capitals', ({ href }) => `${href.replace('http', 'HTTP')}?_getpages=`],
]
for (const [face, beginning] of links) {
  test(`${face}: the next page is written so, and is there`, async () => {
    const { fhir } = await login(face)
    const base = new URL(sandbox.base(face))
    const bundle = (await fhir('/Observation?patient=grace-lindqvist&_count=2')).json<{
      link: { relation: string; url: string }[]
      entry: { fullUrl: string }[]
    }>()
    const next = bundle.link.find(({ relation }) => relation === 'next')?.url ?? ''
    assert.ok(next.startsWith(beginning(base)), next)
    assert.ok(bundle.entry[0]?.fullUrl.startsWith(`${base.href}/Observation/`))
    const { href } = new URL(next, base)
    const page = await fhir(href.slice(href.indexOf('?')))
    assert.equal(page.status, 200)
    assert.match(new URL(next, base).href, /^http:\/\/127\.0\.0\.1:\d+\/faces\//)
  })
}

test('Location is written relative to the host, the scheme and the base', async () => {
  for (const [face, pattern] of [
    ['location-host-relative', /^\/faces\/location-host-relative\/fhir\/Basic\//],
    ['location-scheme-relative', /^\/\/127\.0\.0\.1:\d+\/faces\//],
    ['location-base-relative', /^Basic\//],
    ['location-elsewhere', /^https:\/\/evil\.example\//],
  ] as const) {
    const { fhir } = await login(face)
    const created = await fhir('/Basic', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json; charset=utf-8;' },
      body: JSON.stringify({
        resourceType: 'Basic',
        subject: { reference: 'Patient/grace-lindqvist' },
      }),
    })
    assert.equal(created.status, 201)
    assert.match(created.header('location')[0] ?? '', pattern)
  }
})

test('links-canonical pages through operations whose resources are named below the base', async () => {
  const { fhir } = await login('links-canonical')
  const base = sandbox.base('links-canonical')
  for (const path of [
    '/Questionnaire/_history',
    '/ValueSet/$expand?url=http://snomed.info/sct?fhir_vs=isa/404684003',
    '/Measure/$evaluate-measure?periodStart=2026-01-01',
  ]) {
    const bundle = (await fhir(path)).json<{
      link: { url: string }[]
      entry: { resource: { url?: string; measure?: string } }[]
    }>()
    const next = bundle.link[1]?.url ?? ''
    assert.ok(next.startsWith(`${base}${path.split('?')[0]}?`), next)
    assert.match(next, /offset=10/)
    const { resource } = bundle.entry[0] ?? assert.fail()
    assert.ok((resource.url ?? resource.measure)?.startsWith(`${base}/`))
    const page = await fhir(next.slice(base.length), {
      headers: { accept: 'application/fhir+xml' },
    })
    assert.match(String(page.body), /<relation value="previous"\/>/)
  }
  assert.equal((await exchange(`${base}/Questionnaire/_history`)).status, 401)
})
