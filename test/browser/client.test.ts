// fhirstorm/browser in a real browser against the real product: from its own origin, from another origin
// of the same site, and as what fhirclient takes.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fastifyStatic from '@fastify/static'
import fastify from 'fastify'
import type { Browser, Page } from 'playwright-core'
import { publishDemo } from '../../sandbox/demo-site.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { findPort } from '../world/port.ts'
import { endElsewhere, openVisit, readSessionId } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

const bundle = join(import.meta.dirname, 'vendor/fhir-client.pure.min.js')

describe('fhirstorm/browser in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  let folder: string
  let elsewhere: string
  const frontend = fastify()
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fhirstorm-frontend-'))
    publishDemo(process.cwd(), folder)
    await frontend.register(fastifyStatic, { root: folder })
    elsewhere = `http://localhost:${await findPort()}`
    await frontend.listen({ host: 'localhost', port: Number(new URL(elsewhere).port) })
    world = await createWorld({
      configure(document) {
        document.frontend.origins = [document.publicUrl, elsewhere]
      },
    })
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
    await frontend.close()
    rmSync(folder, { recursive: true })
  })

  /** A page that has signed in, on a page without the demo's own code, with a client of its own. */
  async function begin(page: Page, origin: string): Promise<string> {
    await page.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    await page.waitForURL(/session=/)
    const id = readSessionId(page)
    await page.goto(`${origin}/icon.svg`)
    await page.evaluate(`(async () => {
      const { createClient, ...rest } = await import('${origin}/client/index.js')
      const client = createClient({ baseUrl: ${JSON.stringify(world.app)}, pollSeconds: 1 })
      Object.assign(globalThis, rest, { client, heard: [] })
      client.watch(event => heard.push(event.type))
      globalThis.session = await client.session('${id}')
    })()`)
    return id
  }

  for (const where of ['its own origin', 'another origin of the same site']) {
    const originOf = () => (where === 'its own origin' ? world.app : elsewhere)

    test(`reads, writes, watches and logs out from ${where}`, async () => {
      await using visit = await openVisit(chromium, { bypassCSP: true })
      const { page } = visit
      await begin(page, originOf())
      const seen = await page.evaluate(`(async () => {
        const patient = await client.fetch(session.fhirBaseUrl + '/Patient/' + session.patient)
        const created = await client.fetch(session.fhirBaseUrl + '/Observation', {
          method: 'POST',
          headers: { 'content-type': 'application/fhir+json' },
          body: JSON.stringify({
            resourceType: 'Observation', status: 'final', code: { text: 'by the client' },
            subject: { reference: 'Patient/' + session.patient },
          }),
        })
        const refused = await readFault(await client.fetch(session.fhirBaseUrl + '/%2e%2e/x'))
        return [(await patient.json()).id, created.status, refused.kind]
      })()`)
      assert.deepEqual(seen, ['amy-shaw', 201, 'refused'])
      await page.waitForFunction(`client.store.getSnapshot().state === 'known'`)
      const { endSessionUrls } = await page.evaluate<{ endSessionUrls: string[] }>(
        'client.logout(session.id)',
      )
      assert.equal(endSessionUrls.length, 1)
      await page.waitForFunction(`heard.includes('ended')`)
      assert.deepEqual(await page.evaluate('client.store.getSnapshot().sessions'), [])
    })

    test(`hears of an ending elsewhere from ${where}, and that a 401 of ours is one`, async () => {
      await using visit = await openVisit(chromium, { bypassCSP: true })
      const { page } = visit
      const id = await begin(page, originOf())
      await endElsewhere(world, id)
      await page.waitForFunction(`heard.includes('ended')`)
      const kind = await page.evaluate(
        `client.fetch(session.fhirBaseUrl + '/Patient').then(readFault).then(fault => fault.kind)`,
      )
      assert.equal(kind, 'no-session')
    })
  }

  test('[L23] a login begun at the second origin of a frontend comes back to it', async () => {
    await using visit = await openVisit(chromium, { bypassCSP: true })
    const { page } = visit
    await page.goto(`${elsewhere}/icon.svg`)
    const begun = await page.evaluate<string>(`(async () => {
      const { createClient } = await import('${elsewhere}/client/index.js')
      return createClient({ baseUrl: '${world.app}' }).loginUrl({ ehr: 'general', returnTo: '/icon.svg?x=1' })
    })()`)
    const answer = await page.request.get(begun, { maxRedirects: 0 })
    await page.goto(`${answer.headers().location}&patient=amy-shaw&auto=1`)
    const id = readSessionId(page)
    assert.equal(page.url(), `${elsewhere}/icon.svg?x=1&session=${id}`)
  })

  test('fhirclient reads patient, user and encounter with the state that is made for it', async () => {
    await using visit = await openVisit(chromium, { bypassCSP: true })
    const { page } = visit
    await page.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    await page.waitForURL(/session=/)
    const id = readSessionId(page)
    await page.addScriptTag({ path: bundle })
    const seen = await page.evaluate(`(async () => {
      const { createClient, toFhirClient } = await import('/client/index.js')
      const session = await createClient().session('${id}')
      const client = FHIR.client(toFhirClient(session))
      const [patient, user] = await Promise.all([client.patient.read(), client.user.read()])
      return [client.patient.id, patient.id, client.user.fhirUser, user.id, client.encounter.id]
    })()`)
    const user = 'maria-rivera'
    assert.deepEqual(seen, ['amy-shaw', 'amy-shaw', `Practitioner/${user}`, user, null])
  })
})
