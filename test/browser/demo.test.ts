// The demo frontend in a real browser, against the real sandbox and the real product: what a user does
// with it, and what stays in the page.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { collectComplaints, hasChromium, launchChromium } from '../world/chromium.ts'
import { createWorld, type World } from '../world/world.ts'

const MINUTE = 60_000

describe('the demo in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  let passed = 0
  before(async () => {
    world = await createWorld({ now: () => Date.now() + passed })
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
  })

  test('[K18] a login by hand through the pages of the EHR ends at a plot, and leaves nothing that a script could take', async () => {
    await using visit = await openVisit()
    const { page, complaints } = visit
    await page.goto(world.app)
    await page.getByRole('link', { name: 'General Hospital' }).click()
    assert.equal(new URL(page.url()).origin, world.sandbox.url)
    await page.locator('#user-practitioner').click()
    await page.locator('#patient-amy-shaw').click()
    await page.locator('#allow').click()
    await showsPlot(page)
    assert.equal(new URL(page.url()).origin, world.app)
    assert.match(await page.getByLabel('Patient', { exact: true }).innerText(), /Amy Victoria Shaw/)
    assert.match(await page.locator('#conditions').innerText(), /Type 2 diabetes/)
    assert.match(await page.locator('#medications').innerText(), /Metformin/)
    assert.match(await page.locator('#allergies').innerText(), /penicillin.*High risk/s)
    assert.match(
      await page.locator('#session').innerText(),
      /Dr\. Maria Rivera.*patient\/\*\.cruds/s,
    )
    assert.equal(await page.locator('#exposure .none').count(), 6)
    assert.deepEqual(await page.evaluate(readStores), { cookie: '', local: 0, session: 0 })
    assert.deepEqual(complaints, [])
    mkdirSync('reports', { recursive: true })
    await page.screenshot({ path: 'reports/demo.png', fullPage: true })
  })

  test('every chart, span and page of a search can be chosen', async () => {
    await using visit = await openVisit()
    const { page, complaints } = visit
    await launch(page, 'irene-kowalski')
    await page.getByRole('radio', { name: 'eGFR' }).check()
    assert.match(await page.locator('.readout').innerText(), /mL\/min.*Reference from 60/s)
    await showsPlot(page)
    await page.getByRole('radio', { name: 'Weight and BMI' }).check()
    await page.getByRole('radio', { name: '1 year' }).check()
    assert.match(await page.locator('.readout').innerText(), /kg\b.*kg\/m2/s)
    await page.locator('#search tbody tr').first().waitFor()
    const first = await page.locator('#search tbody').innerText()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText(/^6–10 of \d+$/).waitFor()
    assert.notEqual(await page.locator('#search tbody').innerText(), first)
    await page.getByRole('button', { name: 'Previous' }).click()
    await page.getByText(/^1–5 of \d+$/).waitFor()
    assert.equal(await page.locator('#search tbody').innerText(), first)
    assert.deepEqual(complaints, [])
  })

  test('[Q1, K13, L21] two patients in two tabs stay where they are, through any reload', async () => {
    await using visit = await openVisit()
    const one = { page: visit.page, patient: 'amy-shaw', name: 'Amy Victoria Shaw' }
    const other = {
      page: await visit.context.newPage(),
      patient: 'hiro-tanaka',
      name: 'Hiro Tanaka',
    }
    for (const { page, patient } of [one, other]) await launch(page, patient)
    for (let round = 0; round < 2; round++) {
      const asked = [one, other].map(({ page }) => collectFhirRequests(page))
      await Promise.all([one, other].map(({ page }) => page.reload()))
      for (const [index, { page, patient, name }] of [one, other].entries()) {
        await showsPlot(page)
        assert.ok((await page.getByRole('heading', { level: 1 }).innerText()).startsWith(name))
        const base = `${world.app}/sessions/${readSessionId(page)}/fhir/`
        assert.ok((asked[index]?.length ?? 0) >= 7)
        for (const url of asked[index] ?? []) {
          assert.ok(url.startsWith(base) && url.includes(patient), url)
        }
      }
    }
    assert.notEqual(readSessionId(one.page), readSessionId(other.page))
  })

  test('[K5] signing out takes the record off the page, and ends that session alone', async () => {
    await using visit = await openVisit()
    const { page, context } = visit
    const kept = await context.newPage()
    await launch(kept, 'hiro-tanaka')
    await launch(page, 'amy-shaw')
    const record = page.url()
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'End your login at the EHR' }).count(), 1)
    await page.goto(record)
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
    await kept.reload()
    await showsPlot(kept)
    await kept.getByRole('button', { name: 'Sign out of all' }).click()
    await kept.getByRole('heading', { name: 'You are signed out' }).waitFor()
    const names = (await context.cookies(world.app)).map(({ name }) => name)
    assert.deepEqual(
      names.filter(name => !/browser$/.test(name)),
      [],
    )
  })

  test('[O8] a page kept for going back shows no record once its session is over', async () => {
    await using visit = await openVisit()
    const { page, context } = visit
    await launch(page, 'amy-shaw')
    const id = readSessionId(page)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('heading', { name: 'Whose record?' }).waitFor()
    await endElsewhere(context, id)
    await page.goBack()
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
  })

  test('a session that ends elsewhere takes its record off the page at the next request', async () => {
    await using visit = await openVisit()
    const { page, context } = visit
    await launch(page, 'amy-shaw')
    await endElsewhere(context, readSessionId(page))
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
    await page.getByRole('link', { name: 'General Hospital' }).waitFor()
  })

  test('a session that nobody uses ends on time: looking how long it lasts keeps it no longer', async () => {
    await using visit = await openVisit()
    const { page } = visit
    await launch(page, 'amy-shaw')
    const lookAgain = `document.dispatchEvent(new Event('visibilitychange'))`
    passed += 14 * MINUTE
    const asked = page.waitForResponse(/slide=false$/)
    await page.evaluate(lookAgain)
    assert.equal((await asked).status(), 200)
    await showsPlot(page)
    passed += 2 * MINUTE
    await page.evaluate(lookAgain)
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
  })

  test('[AL-36] denied consent is told, and another try is offered', async () => {
    await using visit = await openVisit()
    const { page, complaints } = visit
    await page.goto(world.app)
    await page.getByRole('link', { name: 'General Hospital' }).click()
    await page.locator('#user-practitioner').click()
    await page.locator('#patient-amy-shaw').click()
    await page.locator('#deny').click()
    await page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    await page.getByText('Access was denied at the EHR.').waitFor()
    assert.equal(new URL(page.url()).search, '')
    assert.equal(await page.getByRole('link', { name: 'General Hospital' }).count(), 1)
    assert.deepEqual(complaints, [])
  })

  test('the DSTU2 face shows what it has and says what it does not offer', async () => {
    await using visit = await openVisit()
    const { page } = visit
    await page.goto(`${world.sandbox.url}/auto?user=practitioner&patient=amy-shaw&auto=1`)
    await page.goto(world.app)
    await page.getByRole('link', { name: 'Old Town Clinic' }).click()
    await showsPlot(page)
    assert.match(await page.locator('#conditions').innerText(), /Hypertension/)
    await page.locator('#medications').getByText('This EHR does not offer these.').waitFor()
  })

  /** A browser of one's own, gone at the end of the test. */
  async function openVisit() {
    const context: BrowserContext = await chromium.newContext({ reducedMotion: 'reduce' })
    context.setDefaultTimeout(15_000)
    const page = await context.newPage()
    const complaints = collectComplaints(page)
    return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() }
  }

  /** Ends a session as a program with the same cookies does: the browser hears nothing of it. */
  async function endElsewhere({ request }: BrowserContext, id: string): Promise<void> {
    const headers = { 'x-csrf': '1' }
    const answer = await request.delete(`${world.app}/sessions/${id}`, { headers })
    assert.equal(answer.status(), 200)
  }

  /** An EHR launch, up to the plot. */
  async function launch(page: Page, patient: string): Promise<void> {
    await page.goto(`${world.sandbox.url}/launch-app?patient=${patient}&auto=1`)
    await showsPlot(page)
  }
})

/** Waits for the plot and holds that something is drawn in the colour of the first series. */
async function showsPlot(page: Page): Promise<void> {
  await page.locator('.plot canvas').waitFor()
  assert.ok((await page.evaluate<number>(countSeriesPixels)) > 100, 'the plot is empty')
}

function collectFhirRequests(page: Page): string[] {
  const urls: string[] = []
  page.on('request', request => {
    if (request.url().includes('/fhir/')) urls.push(request.url())
  })
  return urls
}

function readSessionId(page: Page): string {
  return new URL(page.url()).searchParams.get('session') ?? ''
}

// What runs in the page, as text: the tests know nothing of its types.

const readStores = `({
  cookie: document.cookie, local: localStorage.length, session: sessionStorage.length
})`

const countSeriesPixels = `(() => {
  const canvas = document.querySelector('.plot canvas')
  const color = getComputedStyle(document.documentElement).getPropertyValue('--series-1').trim()
  const wanted = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16))
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  let count = 0
  for (let i = 0; i < data.length; i += 4) {
    if (wanted.every((value, channel) => Math.abs(value - data[i + channel]) < 24)) count++
  }
  return count
})()`
