// FHIR answers of EHRs with habits of their own, as a script with a ticket meets them: over real HTTP,
// at the sandbox's faces.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Browser, createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

const faces = ['prefers-xml', 'binary-redirect', 'fhir-content-location']

let world: World
/** Each face's FHIR base at ours, and the browser that has the session. */
const visits = new Map<string, { base: string; browser: Browser }>()

before(async () => {
  world = await createWorld({
    configure(document, sandboxUrl) {
      const [general] = document.ehrs
      for (const id of faces) {
        document.ehrs.push({ ...general, id, name: id, iss: `${sandboxUrl}/faces/${id}/fhir` })
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
