// FHIR answers of EHRs with habits of their own, as a script with a ticket meets them: over real HTTP,
// at the sandbox's faces.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Browser, createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

const typed = [
  ...['type-semicolon-fhir', 'type-twice-fhir', 'type-twice-listed-fhir', 'type-missing-fhir'],
  ...['type-twice-different-fhir', 'type-capitals-fhir', 'type-quoted-fhir', 'type-text-fhir'],
  ...['type-word-fhir', 'charset-latin-1-fhir', 'charset-windows-1252-fhir'],
  ...['charset-utf-16-fhir', 'utf-8-mark-fhir'],
]
const spelled = [
  ...['links-host-relative', 'links-scheme-relative', 'links-dots', 'links-encoded'],
  'links-capitals',
]
const faces = [
  ...[...spelled, 'links-canonical', 'strong-tags'],
  ...['prefers-xml', 'binary-redirect', 'fhir-content-location', 'charset-unknown-fhir'],
  ...typed,
]

let world: World
/** Each face's FHIR base at ours, and the browser that has the session. */
const visits = new Map<string, { base: string; browser: Browser }>()

before(async () => {
  world = await createWorld({
    configure(document, sandboxUrl) {
      const [general] = document.ehrs
      for (const id of faces) {
        document.ehrs.push({
          ...structuredClone(general),
          id,
          name: id,
          iss: `${sandboxUrl}/faces/${id}/fhir`,
        })
      }
    },
  })
  for (const face of faces) {
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', `ehr=${face}`)
    visits.set(face, { base: fhirBaseUrl, browser })
  }
})
after(() => world.close())

function visit(face: string): { base: string; browser: Browser } {
  const known = visits.get(face)
  assert.ok(known, face)
  return known
}

async function read(face: string, path: string, headers: Record<string, string> = {}) {
  const { base, browser } = visit(face)
  return await browser.fetch(base + path, { headers })
}

test('[Q51] a script that takes anything reads JSON where XML is preferred', async () => {
  for (const path of ['/Patient/amy-shaw', '//Patient/amy-shaw', '/Patient?name=shaw']) {
    const answer = await read('prefers-xml', path, { accept: '*/*' })
    assert.match(answer.headers.get('content-type') ?? '', /json/, path)
    assert.equal(answer.status, 200, path)
  }
  const asked = await read('prefers-xml', '/Patient/amy-shaw', { accept: 'application/fhir+xml' })
  assert.match(asked.text, /^<\?xml|^<Patient/)
})

test('[Q52] a file that the EHR keeps elsewhere is a refusal that says so', async () => {
  const found = await read('binary-redirect', '/DocumentReference')
  const [, id] = /Binary\/([\w-]+)/.exec(found.text) ?? []
  assert.ok(id, found.text)
  const answer = await read('binary-redirect', `/Binary/${id}`)
  assert.equal(answer.status, 502)
  assert.match(answer.headers.get('proxy-status') ?? '', /details="upstream_elsewhere"/)
  assert.match(answer.text, /another server/)
  const plain = await read('fhir-content-location', '/Patient/amy-shaw')
  assert.equal(plain.status, 200)
  assert.equal(plain.headers.get('content-location'), null)
})

const SHOWN = /^(?:application\/(?:fhir\+)?json|text\/json)(?: ?; ?charset="?utf-8"?)?$/i

for (const face of typed) {
  test(`[Q53] documents of ${face} are told as what they are, with addresses of ours`, async () => {
    const answer = await read(face, '/Patient?name=shaw')
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-type') ?? '', SHOWN)
    assert.equal(answer.headers.get('content-disposition'), null)
    assert.equal(answer.json<{ resourceType: string }>().resourceType, 'Bundle')
    assert.ok(answer.text.includes(visit(face).base))
    assert.ok(!answer.text.includes(world.sandbox.url))
  })
}

test('[Q53] a charset that nobody knows is a refusal that says so', async () => {
  const answer = await read('charset-unknown-fhir', '/Patient?name=shaw')
  assert.equal(answer.status, 502)
  assert.match(answer.headers.get('proxy-status') ?? '', /details="upstream_charset"/)
})

test('[Q53] a body whose media type ends in a semicolon is written', async () => {
  const { base, browser } = visit('type-semicolon-fhir')
  const note = JSON.stringify({ resourceType: 'Basic', id: 'x', code: { text: 'x' } })
  const headers = { 'content-type': 'application/fhir+json; charset=utf-8;' }
  const answer = await browser.fetch(`${base}/Basic`, { method: 'POST', body: note, headers })
  assert.ok(answer.status !== 415 && answer.status < 500, answer.text)
})

interface Page {
  link: { relation: string; url: string }[]
}

for (const face of spelled) {
  test(`[Q55] pages of ${face} lead to the next one at ours`, async () => {
    const { base, browser } = visit(face)
    const first = await read(face, '/Observation?_count=2')
    const { link } = first.json<Page>()
    for (const { url } of link)
      assert.ok(url.startsWith(`${base}/`) || url.startsWith(`${base}?`), url)
    const next = link.find(({ relation }) => relation === 'next')
    assert.ok(next, first.text)
    const second = await browser.fetch(next.url)
    assert.equal(second.status, 200, second.text)
    assert.notEqual(second.text, first.text)
  })
}

for (const path of ['/Questionnaire/_history', '/ValueSet/$expand', '/Measure/$evaluate-measure']) {
  test(`[Q54] pages of ${path} are links, in JSON and in XML; names of resources stay names`, async () => {
    const { base, browser } = visit('links-canonical')
    const { link } = (await read('links-canonical', path)).json<Page>()
    for (const { url } of link) assert.ok(url.startsWith(base + path), url)
    const xml = await read('links-canonical', path, { accept: 'application/fhir+xml' })
    const urls = [...xml.text.matchAll(/<link>.*?<url value="([^"]*)"/gs)].map(
      ([, url = '']) => url,
    )
    assert.ok(urls.length > 1, xml.text)
    for (const url of urls) assert.ok(url.startsWith(base + path), url)
    const names = [...xml.text.matchAll(/<url value="([^"]*)"/g)].map(([, url = '']) => url)
    const theirs = names.filter(url => url.startsWith('http') && !url.startsWith(base))
    assert.ok(
      theirs.every(url => /\/(?:Questionnaire\/intake|ValueSet\/smoking)$/.test(url)),
      xml.text,
    )
    const next = link.find(({ relation }) => relation === 'next')
    assert.ok(next)
    const second = await browser.fetch(next.url)
    assert.equal(second.status, 200)
    assert.ok(second.text.includes('previous'))
  })
}

test('[Q56] where tags are strong and compared byte for byte, what was told is accepted', async () => {
  const { base, browser } = visit('strong-tags')
  const url = `${base}/Patient/amy-shaw`
  const first = await browser.fetch(url)
  const tag = first.headers.get('etag') ?? ''
  assert.match(tag, /^W\/"/)
  assert.equal((await browser.fetch(url, { headers: { 'if-none-match': tag } })).status, 304)
  const write = (ifMatch: string) =>
    browser.fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'application/fhir+json', 'if-match': ifMatch },
      body: first.text,
    })
  const written = await write(`W/"none", ${tag}`)
  assert.equal(written.status, 200, written.text)
  assert.notEqual(written.headers.get('etag'), tag)
  assert.equal((await write(tag)).status, 412)
  assert.equal((await write(written.headers.get('etag') ?? '')).status, 200)
})
