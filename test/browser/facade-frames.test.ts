// An existing app behind the façade and frames, in a real browser: it runs in the frame of an EHR that embeds it,
// and another site gets nothing by framing it, or with a launch or code that it stole.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { Browser, Frame, Page } from 'playwright-core'
import { createSmartAppWorld } from '../world/app-world.ts'
import { hasChromium, launchChromium, PARTITIONED_STORAGE } from '../world/chromium.ts'
import { openVisit } from '../world/visit.ts'
import type { World } from '../world/world.ts'

describe('an existing SMART app and frames in Chromium', { skip: !hasChromium() }, () => {
  let chromium: Browser
  before(async () => {
    chromium = await launchChromium(PARTITIONED_STORAGE)
  })
  after(() => chromium.close())

  async function open(t: TestContext, embedded: boolean): Promise<World> {
    const world = await createSmartAppWorld(document => {
      document.ehrs[0].embedded = embedded
      document.sessions = { ticketSameSite: 'lax' }
    })
    t.after(() => world.close())
    return world
  }

  async function openHostile(t: TestContext, page: Page): Promise<void> {
    const server = createServer((_request, response) => {
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>Free games</title>')
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    t.after(() => void server.close())
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  }

  const findApp = (page: Page, app: string): Frame | undefined =>
    page.frames().find(frame => frame.url().startsWith(app))

  test('[FA1, K17] runs in the frame of the EHR that embeds it, from launch to record', async t => {
    const world = await open(t, true)
    await using visit = await openVisit(chromium)
    const { page } = visit
    await page.goto(`${world.sandbox.url}/chart?patient=amy-shaw&auto=1`)
    const frame = page.frameLocator('iframe')
    await frame.locator('#list li').first().waitFor()
    assert.match((await frame.locator('#name').textContent()) ?? '', /Shaw/)
    const shown = await findApp(page, world.app)?.evaluate<{ need_patient_banner: boolean }>(
      `FHIR.oauth2.ready().then(client => client.state.tokenResponse)`,
    )
    assert.equal(shown?.need_patient_banner, false)
  })

  test('[FA3, X11] where no EHR embeds it no frame shows it, and a stolen launch gives no code', async t => {
    const world = await open(t, false)
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    // Without its script the app leaves the launch unused.
    await page.route('**/fhir-client.js', route => route.abort())
    await page.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    const landing = new URL(page.url())
    assert.equal(landing.pathname, '/launch.html')
    const base = landing.searchParams.get('iss') ?? ''
    const asked = new URLSearchParams({
      ...{ response_type: 'code', client_id: 'growth-notes', redirect_uri: `${world.app}/` },
      ...{ aud: base, state: 'x', code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' },
      launch: landing.searchParams.get('launch') ?? '',
    })
    const evil = await context.newPage()
    const answers: { url: string; status: number; location?: string }[] = []
    context.on('response', answer => {
      const { location } = answer.headers()
      answers.push({ url: answer.url(), status: answer.status(), location })
    })
    await openHostile(t, evil)
    await evil.evaluate(`new Promise(done => {
      const frame = document.createElement('iframe')
      frame.onload = done
      frame.src = ${JSON.stringify(`${base}/authorize?${asked}`)}
      document.body.append(frame)
    })`)
    const answered = answers.filter(({ url }) => url.startsWith(base))
    assert.deepEqual(
      answered.map(({ status }) => status),
      [401],
    )
    assert.ok(!answers.some(({ location = '' }) => location.includes('code=')))
    assert.equal(findApp(evil, world.app), undefined)
  })

  test('[FA2, FA3, X2] another site can spend no code in the user’s browser, and no name there', async t => {
    const world = await open(t, false)
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    const base = `${world.app}/smart/general`
    const stolen = Promise.withResolvers<string>()
    await page.route('**/token', route => {
      stolen.resolve(route.request().postData() ?? '')
      return route.abort()
    })
    await page.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    const form = await stolen.promise
    await page.unroute('**/token')
    assert.match(form, /code=[\w-]{43}&.*code_verifier=/)
    const evil = await context.newPage()
    await openHostile(t, evil)
    const readable = await evil.evaluate<unknown[]>(`(async () => {
      const body = new URLSearchParams(${JSON.stringify(form)})
      const url = ${JSON.stringify(base)}
      const ask = (path, how) => fetch(url + path, { credentials: 'include', ...how })
        .then(answer => answer.text(), () => '')
      const found = [
        await ask('/token', { method: 'POST', body, mode: 'no-cors' }),
        await ask('/token', { method: 'POST', body }),
        await ask('/Patient/amy-shaw', { mode: 'no-cors' }),
      ]
      const posted = document.createElement('form')
      Object.assign(posted, { method: 'post', action: url + '/token', target: 'shown' })
      for (const [name, value] of body) {
        posted.append(Object.assign(document.createElement('input'), { name, value }))
      }
      const frame = Object.assign(document.createElement('iframe'), { name: 'shown' })
      document.body.append(frame, posted)
      await new Promise(done => { frame.onload = done; posted.submit() })
      return found.filter(Boolean)
    })()`)
    assert.deepEqual(readable, [])
    // Chromium does not tell of answers that it withholds from a page; the server's own lines do.
    const answered = world.log
      .map(line => JSON.parse(line) as { route?: string; status?: number })
      .filter(({ route, status }) => route?.startsWith('/smart/') && status === 403)
    assert.deepEqual(answered.map(({ route }) => route).toSorted(), [
      ...['/smart/:ehr/*', '/smart/:ehr/token', '/smart/:ehr/token', '/smart/:ehr/token'],
    ])
    // For the app itself the code is still good.
    const own = await page.evaluate<[number, string]>(`(async () => {
      const body = new URLSearchParams(${JSON.stringify(form)})
      const answer = await fetch('/smart/general/token', { method: 'POST', body })
      return [answer.status, (await answer.json()).patient]
    })()`)
    assert.deepEqual(own, [200, 'amy-shaw'])
  })
})
