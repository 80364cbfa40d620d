// What another site can do to a user who is logged in, in a real browser: nothing. And what an EHR that
// shows the app in a frame needs: that it works there, and nowhere else.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Frame, Page, Request } from 'playwright-core'
import {
  collectComplaints,
  hasChromium,
  launchChromium,
  launchWithoutCookies,
} from '../world/chromium.ts'
import { createWorld, type World } from '../world/world.ts'

const script = readFileSync('test/browser/hostile.js', 'utf8')
const hostilePage = `<!doctype html><title>Free games</title><body><script>${script}</script>`

describe('other sites in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  let hostile: Server
  let hostileUrl: string
  const asked: string[] = []
  before(async () => {
    world = await createWorld({
      sandbox: { onRequest: ({ method, path }) => asked.push(`${method} ${path}`) },
      configure(document) {
        // The weaker setting: navigations from other sites bring the ticket along.
        document.sessions = { ticketSameSite: 'lax' }
      },
    })
    hostile = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end(hostilePage)
    })
    await new Promise<void>(done => hostile.listen(0, '127.0.0.1', done))
    hostileUrl = `http://127.0.0.1:${(hostile.address() as AddressInfo).port}/`
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    hostile.close()
    await world.close()
  })

  async function logIn(context: BrowserContext): Promise<{ page: Page; base: string }> {
    const page = await context.newPage()
    const underWay = new Set<Request>()
    page.on('request', request => {
      if (!request.url().endsWith('/sessions/events')) underWay.add(request)
    })
    for (const end of ['requestfinished', 'requestfailed'] as const) {
      page.on(end as 'requestfinished', request => void underWay.delete(request))
    }
    await page.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    await page.locator('#search tbody tr').first().waitFor()
    // What the page itself asks for is not taken for somebody else's.
    for (let quiet = 0; quiet < 5; quiet = underWay.size > 0 ? 0 : quiet + 1) {
      await page.waitForTimeout(100)
    }
    const id = new URL(page.url()).searchParams.get('session')
    return { page, base: `${world.app}/sessions/${id}/fhir` }
  }

  /** What the proxy or a logout would have asked the EHR for. */
  const reached = () => asked.filter(line => /\/r4\/[A-Z]|\/revo/.test(line))

  test('[X1, X2, X3] forms, elements, fetches and navigations of another site reach no EHR', async t => {
    const context = await chromium.newContext()
    t.after(() => context.close())
    const { page, base } = await logIn(context)
    const evil = await context.newPage()
    await evil.goto(hostileUrl)
    const before = reached().length
    const statuses: number[] = []
    context.on('response', response => {
      if (response.url().startsWith(world.app)) statuses.push(response.status())
    })

    const readable = await evil.evaluate(`attack(${JSON.stringify({ base, app: world.app })})`)
    assert.deepEqual(readable, [])
    // A link that the user follows: the ticket comes along, and is refused all the same.
    const opened = context.waitForEvent('page')
    await evil.evaluate(`void open('${base}/Patient')`)
    const popup = await opened
    await popup.waitForLoadState()
    assert.doesNotMatch(await popup.content(), /Shaw/)

    assert.ok(statuses.length >= 7, `${statuses}`)
    for (const status of statuses) assert.ok(status === 403 || status === 204, `${statuses}`)
    assert.equal(reached().length, before, reached().join('\n'))
    const still = await page.evaluate(async url => (await fetch(url)).status, `${base}/Patient`)
    assert.equal(still, 200)
  })

  test('[X15] our own origin cannot be made to run what the EHR serves', async t => {
    const context = await chromium.newContext()
    t.after(() => context.close())
    const { page, base } = await logIn(context)
    const before = reached().length
    const outcome = await page.evaluate(`(async url => {
      const registered = await navigator.serviceWorker.register(url).then(
        () => 'registered',
        () => 'refused',
      )
      const worker = await new Promise(done => {
        const started = new Worker(url)
        started.onerror = () => done('refused')
        started.onmessage = () => done('ran')
        setTimeout(done, 2_000, 'silent')
      })
      return [registered, worker]
    })('${base}/Binary/1')`)
    assert.deepEqual(outcome, ['refused', 'refused'])
    assert.equal(reached().length, before)
  })
})

describe('in a frame of the EHR in Chromium', { skip: !hasChromium() }, () => {
  let chromium: Browser
  before(async () => {
    chromium = await launchChromium()
  })
  after(() => chromium.close())

  async function openChart(t: { after(done: () => Promise<void>): void }, embedded: boolean) {
    const world = await createWorld({
      configure(document) {
        document.ehrs[0].embedded = embedded
      },
    })
    const context = await chromium.newContext()
    t.after(async () => {
      await context.close()
      await world.close()
    })
    const page = await context.newPage()
    await page.goto(`${world.sandbox.url}/chart?patient=amy-shaw&auto=1`)
    return { world, context, page }
  }

  const landed = (page: Page, app: string): Frame | undefined =>
    page.frames().find(frame => frame.url().startsWith(app) && frame.url().includes('session='))

  test('[K17, Q2] an embedded launch logs in, reads and logs out, with partitioned cookies', async t => {
    const { world, context, page } = await openChart(t, true)
    for (let tries = 0; !landed(page, world.app) && tries < 100; tries++) {
      await page.waitForTimeout(50)
    }
    const frame = landed(page, world.app)
    assert.ok(
      frame,
      page
        .frames()
        .map(one => one.url())
        .join(' '),
    )
    await frame.waitForLoadState()
    const id = new URL(frame.url()).searchParams.get('session')
    const seen = await frame.evaluate(async session => {
      const answer = await (await fetch(`/sessions/${session}`)).json()
      const { fhirBaseUrl, patient } = answer as { fhirBaseUrl: string; patient: string }
      const status = async (...asked: Parameters<typeof fetch>) => (await fetch(...asked)).status
      const read = await status(`${fhirBaseUrl}/Patient/${patient}`)
      return [patient, read, await status('/logout', { method: 'POST' })]
    }, id)
    assert.deepEqual(seen, ['amy-shaw', 200, 200])
    for (const cookie of await context.cookies(world.app)) {
      assert.deepEqual([cookie.sameSite, cookie.secure], ['None', true], cookie.name)
      assert.ok((cookie as { partitionKey?: string }).partitionKey, cookie.name)
    }
  })

  test('[K17, S13] the demo shows its record in a frame that is given no storage and no locks', async t => {
    const { page } = await openChart(t, true)
    const complaints = collectComplaints(page)
    const app = page.frameLocator('iframe')
    await app.getByRole('heading', { name: 'Amy Victoria Shaw' }).waitFor()
    await app.locator('#exposure dd').nth(5).waitFor()
    const found = await app.locator('#exposure dd').allInnerTexts()
    assert.ok(found.includes('closed to this page'), `${found}`)
    assert.ok(
      found.every(text => /^(empty|closed to this page)$/.test(text)),
      `${found}`,
    )
    assert.deepEqual(complaints, [])
  })

  test('[S13, K17] where the browser keeps no cookie of the app, frame and tab say what to do', async t => {
    const world = await createWorld({
      configure(document) {
        document.ehrs[0].embedded = true
      },
    })
    const context = await launchWithoutCookies('localhost')
    t.after(async () => {
      await context.close()
      await world.close()
    })
    const page = await context.newPage()
    await page.goto(`${world.sandbox.url}/chart?patient=amy-shaw&auto=1`)
    const link = page.frameLocator('iframe').getByRole('link', { name: 'Open in a tab of its own' })
    await link.waitFor()
    const text = await page.frameLocator('iframe').locator('body').innerText()
    assert.match(text, /blocks cookies.*may keep none/s)
    assert.equal(await link.getAttribute('rel'), 'noopener')
    const opened = context.waitForEvent('page')
    await link.click()
    const tab = await opened
    await tab.getByRole('heading', { name: 'Where do you want to log in?' }).waitFor()
    assert.equal(new URL(tab.url()).origin, world.app)
    // The demo in a tab of this browser is no blank page either; nor is a session that it has no cookie of.
    await tab.goto(world.app)
    await tab.getByRole('link', { name: 'General Hospital' }).waitFor()
    await tab.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    await tab.getByText('or it blocks cookies').waitFor()
    assert.equal(await tab.getByRole('link', { name: 'Open in a tab of its own' }).count(), 0)
  })

  test('[X11] where no EHR embeds the app, no frame shows it', async t => {
    const { world, page } = await openChart(t, false)
    await page.waitForTimeout(1_500)
    assert.equal(landed(page, world.app), undefined)
  })
})
