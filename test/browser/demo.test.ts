// The demo frontend in a real browser, against the real sandbox and the real product: what a user does
// with it, and what stays in the page.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { endElsewhere, launch, openVisit, readSessionId, showsPlot } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

describe('the demo in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  before(async () => {
    world = await createWorld()
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
  })

  test('[K18] a login by hand through the pages of the EHR ends at a plot, and leaves nothing that a script could take', async () => {
    await using visit = await openVisit(chromium)
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
    await using visit = await openVisit(chromium)
    const { page, complaints } = visit
    await launch(page, world, 'irene-kowalski')
    await page.getByRole('radio', { name: 'eGFR' }).check()
    assert.match(await page.locator('.readout').innerText(), /mL\/min.*Reference from 60/s)
    await showsPlot(page)
    await page.getByRole('radio', { name: 'Weight and BMI' }).check()
    await page.getByRole('radio', { name: '1 year' }).check()
    assert.match(await page.locator('.readout').innerText(), /kg\b.*kg\/m²/s)
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
    await using visit = await openVisit(chromium)
    const one = { page: visit.page, patient: 'amy-shaw', name: 'Amy Victoria Shaw' }
    const other = {
      page: await visit.context.newPage(),
      patient: 'hiro-tanaka',
      name: 'Hiro Tanaka',
    }
    for (const { page, patient } of [one, other]) await launch(page, world, patient)
    for (let round = 0; round < 2; round++) {
      const asked = [one, other].map(({ page }) => collectFhirRequests(page))
      await Promise.all([one, other].map(({ page }) => page.reload()))
      for (const [index, { page, patient, name }] of [one, other].entries()) {
        await showsPlot(page)
        assert.ok((await page.getByRole('heading', { level: 1 }).innerText()).startsWith(name))
        const urls = asked[index] ?? []
        const own = urls.filter(url => url.startsWith(baseOf(page)))
        assert.ok(own.length >= 7)
        for (const url of own) assert.ok(url.includes(patient), url)
        // Of another session its patient's name is read, for its tab, and nothing else.
        const foreign = one.page === page ? other : one
        const itsName = `${baseOf(foreign.page)}Patient/${foreign.patient}`
        for (const url of urls.filter(url => !own.includes(url))) assert.equal(url, itsName)
      }
    }
    assert.notEqual(readSessionId(one.page), readSessionId(other.page))
  })

  const baseOf = (page: Page) => `${world.app}/sessions/${readSessionId(page)}/fhir/`

  test('[K5] signing out takes the record off the page, and ends that session alone', async () => {
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    const kept = await context.newPage()
    await launch(kept, world, 'hiro-tanaka')
    await launch(page, world, 'amy-shaw')
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
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    const id = readSessionId(page)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('heading', { name: 'Whose record?' }).waitFor()
    await endElsewhere(world, id)
    await page.goBack()
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
  })

  test('a session that ends elsewhere takes its record off the page at once', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    await endElsewhere(world, readSessionId(page))
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
    await page.getByRole('link', { name: 'General Hospital' }).waitFor()
  })

  test('[AL-36] denied consent is told, and another try is offered', async () => {
    await using visit = await openVisit(chromium)
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

  test('the DSTU2 face shows the same record', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await page.goto(`${world.sandbox.url}/auto?user=practitioner&patient=amy-shaw&auto=1`)
    await page.goto(world.app)
    await page.getByRole('link', { name: 'Old Town Clinic' }).click()
    await showsPlot(page)
    assert.match(await page.locator('#conditions').innerText(), /Hypertension/)
    assert.match(await page.locator('#medications').innerText(), /Metformin.*since/s)
  })
})

function collectFhirRequests(page: Page): string[] {
  const urls: string[] = []
  page.on('request', request => {
    if (request.url().includes('/fhir/')) urls.push(request.url())
  })
  return urls
}

// What runs in the page, as text: the tests know nothing of its types.

const readStores = `({
  cookie: document.cookie, local: localStorage.length, session: sessionStorage.length
})`
