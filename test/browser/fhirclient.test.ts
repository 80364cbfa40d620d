// The client library that SMART apps use, from its own browser bundle (fhirclient 2.6.3, Apache-2.0),
// in a real browser, through the proxy: it believes to talk to one FHIR server.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { fhirclient } from '../world/app-world.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { createWorld, type World } from '../world/world.ts'

// biome-ignore lint/suspicious/noExplicitAny: a library without types, inside the page
type Anything = any

describe('fhirclient in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  let page: Page
  let base: string
  before(async () => {
    world = await createWorld()
    chromium = await launchChromium()
    const context = await chromium.newContext({ bypassCSP: true })
    page = await context.newPage()
    await page.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    base = `${world.app}/sessions/${new URL(page.url()).searchParams.get('session')}/fhir`
    // A page of ours on which nothing else asks for anything.
    await page.goto(`${world.app}/healthz`)
    await page.addScriptTag({ path: fhirclient })
    await page.evaluate(url => {
      const scope = globalThis as Anything
      scope.client = scope.FHIR.client(url)
    }, base)
  })
  after(async () => {
    await chromium.close()
    await world.close()
  })

  /** Runs in the page, where `client` is fhirclient's. */
  const inPage = <T>(work: (client: Anything) => Promise<T>): Promise<T> =>
    page.evaluate(`(${work})(client)`) as Promise<T>

  test('[AL-53, R17] pages through a search by the links of the server, all at our address', async () => {
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    const { all, total, links } = await inPage(async client => {
      const first = await client.request('Observation?_count=20')
      const all = await client.request('Observation?_count=20', { pageLimit: 0, flat: true })
      return { all: all.length, total: first.total, links: first.link.map((l: Anything) => l.url) }
    })
    assert.ok(total > 40, `${total}`)
    assert.equal(all, total)
    for (const url of [...links, ...asked]) assert.ok(url.startsWith(base), url)
    assert.ok(asked.length > 3)
  })

  test('follows references, absolute and relative', async () => {
    const { ids, absolute } = await inPage(async client => {
      const bundle = await client.request('Observation?_count=2')
      const [entry] = bundle.entry
      const { subject } = entry.resource
      const relative = await client.request(subject.reference)
      const absolute = await client.request(entry.fullUrl)
      const resolved = await client.request(`Observation/${entry.resource.id}`, {
        resolveReferences: ['subject'],
      })
      const ids = [relative.id, resolved.subject.id, absolute.id === entry.resource.id]
      return { ids, absolute: entry.fullUrl as string }
    })
    assert.deepEqual(ids, ['amy-shaw', 'amy-shaw', true])
    assert.ok(absolute.startsWith(`${base}/Observation/`))
  })

  test('reads a Binary as bytes, and an image element shows it', async () => {
    const { type, size, url } = await inPage(async client => {
      const documents = await client.request('DocumentReference', { flat: true })
      const { attachment } = documents
        .flatMap((one: Anything) => one.content)
        .find((content: Anything) => /^image\//.test(content.attachment.contentType))
      const url = new URL(attachment.url, `${client.state.serverUrl}/`).href
      const answer = await fetch(url, { headers: { accept: attachment.contentType } })
      const bytes = await answer.arrayBuffer()
      return { type: answer.headers.get('content-type'), size: bytes.byteLength, url }
    })
    assert.match(type ?? '', /^image\//)
    assert.ok(size > 50)
    assert.ok(url.startsWith(`${base}/Binary/`))
    const width = await page.evaluate(
      source =>
        new Promise<number>((resolve, reject) => {
          const image = new (globalThis as Anything).Image()
          image.onload = () => resolve(image.naturalWidth)
          image.onerror = () => reject(new Error('not shown'))
          image.src = source
        }),
      url,
    )
    assert.ok(width > 0)
  })

  test('creates, reads, patches, updates and deletes', async () => {
    const story = await inPage(async client => {
      const subject = { reference: `${client.state.serverUrl}/Patient/amy-shaw` }
      const code = { text: 'written by fhirclient' }
      const created = await client.create({
        resourceType: 'Observation',
        status: 'preliminary',
        code,
        subject,
      })
      const url = `Observation/${created.id}`
      const read = await client.request(url)
      const patched = await client.patch(url, [{ op: 'replace', path: '/status', value: 'final' }])
      const updated = await client.update({ ...patched, code: { text: 'updated' } })
      await client.delete(url)
      const gone = await client.request(url).catch((error: Anything) => error.status)
      const absolute = created.subject.reference as string
      return {
        read: read.code.text,
        patched: patched.status,
        updated: updated.code.text,
        gone,
        absolute,
      }
    })
    assert.equal(story.read, 'written by fhirclient')
    assert.equal(story.patched, 'final')
    assert.equal(story.updated, 'updated')
    assert.ok([404, 410].includes(story.gone))
    assert.ok(
      story.absolute === 'Patient/amy-shaw' || story.absolute === `${base}/Patient/amy-shaw`,
    )
  })

  test('posts a search form and a batch', async () => {
    const { found, statuses } = await inPage(async client => {
      const search = await client.request({
        url: 'Observation/_search',
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `subject=${encodeURIComponent(`${client.state.serverUrl}/Patient/amy-shaw`)}&_count=1`,
      })
      const batch = await client.request({
        url: '',
        method: 'POST',
        headers: { 'content-type': 'application/fhir+json' },
        body: JSON.stringify({
          resourceType: 'Bundle',
          type: 'batch',
          entry: [
            { request: { method: 'GET', url: 'Patient/amy-shaw' } },
            { request: { method: 'GET', url: `${client.state.serverUrl}/Patient/amy-shaw` } },
          ],
        }),
      })
      return {
        found: search.total,
        statuses: batch.entry.map((one: Anything) => one.response.status),
      }
    })
    assert.ok(found > 0)
    for (const status of statuses) assert.match(status, /^200/)
  })
})
