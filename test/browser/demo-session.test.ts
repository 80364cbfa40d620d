// What a clinician must be able to rely on in the demo: whose record it is, that a session's end is told
// before it comes, and that after it nothing of the record is left in any tab.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { createTime } from '../world/time.ts'
import { endElsewhere, launch, openVisit, readSessionId, showAgain } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

describe('sessions of the demo in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  const time = createTime()
  before(async () => {
    world = await createWorld({ now: time.now })
    time.show(world)
    chromium = await launchChromium()
  })
  beforeEach(() => {
    time.reset()
  })
  after(async () => {
    await chromium.close()
    await world.close()
  })

  test('says whose record it is: name, birth date, age, sex and record number, in a window too', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    const identity = await page.getByLabel('Patient', { exact: true }).innerText()
    assert.match(identity, /Amy Victoria Shaw.*Born.*19\d\d.*Age.*\d\d years.*Sex.*female/is)
    const [, number = ''] = /Record number\s+(\d+)/.exec(identity) ?? []
    assert.notEqual(number, '')
    await page.getByRole('button', { name: 'Open Outpatient note' }).click()
    const line = await page.locator('dialog .identity').innerText()
    assert.match(line, new RegExp(`^Amy Victoria Shaw.*19\\d\\d.*female.*${number}$`))
  })

  test('names every session by its patient, in tabs and at the entrance', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'hiro-tanaka')
    await launch(page, world, 'amy-shaw')
    const tabs = page.getByRole('navigation', { name: 'Sessions' })
    await tabs.getByRole('link', { name: 'Hiro Tanaka' }).waitFor()
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('link', { name: /^Hiro Tanaka.*born.*General Hospital/s }).waitFor()
    await page.getByRole('link', { name: /^Amy Victoria Shaw/ }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /amy-shaw|hiro-tanaka/)
  })

  test('[K5] signing out in one tab takes the record off every tab of the session at once', async () => {
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await launch(page, world, 'amy-shaw')
    const twin = await context.newPage()
    await twin.goto(page.url())
    await twin.getByRole('heading', { name: 'Amy Victoria Shaw' }).waitFor()
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    await twin.getByRole('heading', { name: 'You are signed out' }).waitFor()
    assert.doesNotMatch(await twin.locator('body').innerText(), /Amy|diabetes/)
    assert.doesNotMatch(await twin.title(), /Amy/)
  })

  test('signing out says what is still open: the login at the EHR, and other sessions', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'hiro-tanaka')
    await launch(page, world, 'amy-shaw')
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    await page.getByText(/^Your login at General Hospital/).waitFor()
    await page.getByRole('link', { name: /^Hiro Tanaka/ }).waitFor()
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByText(/^Your login at General Hospital/).waitFor()
    assert.equal(await page.getByRole('link', { name: /^Hiro Tanaka/ }).count(), 0)
  })

  test('signing out of two records at one EHR tells of one login there', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'hiro-tanaka')
    await launch(page, world, 'amy-shaw')
    await page.getByRole('button', { name: 'Sign out of all' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    const told = page.getByText(/^Your login at General Hospital/)
    await told.first().waitFor()
    assert.equal(await told.count(), 1)
  })

  test('signing out that did not work is told as that, and tried again', async () => {
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await launch(page, world, 'amy-shaw')
    const id = readSessionId(page)
    await context.setOffline(true)
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    await page.getByRole('heading', { name: 'You are still signed in' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
    await context.setOffline(false)
    assert.equal((await context.request.get(`${world.app}/sessions/${id}`)).status(), 200)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  })

  test('a session that nobody uses ends on time: looking how long it lasts keeps it no longer', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    time.pass(13.1)
    await showAgain(page)
    await page.getByRole('alertdialog').waitFor()
    time.pass(3)
    await showAgain(page)
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.doesNotMatch(await page.locator('body').innerText(), /Amy|diabetes/)
  })

  test('warns before the end in a window, in the title and aloud, and one button is enough to stay', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    const title = await page.title()
    time.pass(13.1)
    await showAgain(page)
    const dialog = page.getByRole('alertdialog', { name: 'Your session is about to end' })
    await dialog.waitFor()
    const stay = dialog.getByRole('button', { name: 'Stay signed in' })
    assert.equal(await page.evaluate('document.activeElement.textContent'), await stay.innerText())
    assert.match(await page.title(), /^\d:\d\d left · Amy Victoria Shaw/)
    assert.match(await page.locator('#announcer').innerText(), /ends in \d+ (minute|second)s?/)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    assert.equal(await page.title(), title)
    await page.getByText('14:5').first().waitFor()
  })

  test('a session that was used in another tab is not warned of any more', async () => {
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await launch(page, world, 'amy-shaw')
    time.pass(13.1)
    await showAgain(page)
    const dialog = page.getByRole('alertdialog')
    await dialog.waitFor()
    const twin = await context.newPage()
    await twin.goto(page.url())
    await dialog.waitFor({ state: 'hidden' })
  })

  /** Uses the page's session until so many minutes are left to it in any case. */
  async function useUntil(page: Page, minutes: number): Promise<void> {
    const { request } = page.context()
    const base = `${world.app}/sessions/${readSessionId(page)}`
    const { expiresAt } = await (await request.get(base)).json()
    const minutesLeft = () => (Date.parse(expiresAt) - time.now()) / 60_000
    time.pass(0)
    while (minutesLeft() > minutes + 0.1) {
      time.pass(Math.min(13, minutesLeft() - minutes))
      assert.equal((await request.get(base)).status(), 200)
    }
  }

  test('a session that lasts no longer in any case offers a new login instead', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    await useUntil(page, 1.8)
    await showAgain(page)
    const dialog = page.getByRole('alertdialog')
    await dialog.getByRole('link', { name: 'Sign in again' }).waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Stay signed in' }).count(), 0)
    await dialog.getByRole('button', { name: 'Go on until then' }).click()
    await dialog.waitFor({ state: 'hidden' })
    assert.match(await page.title(), /^\d:\d\d left/)
  })

  test('who stays when the session lasts no longer in any case is told so, in the same window', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    // Used for the last time sixteen minutes before, it ends unused one minute earlier.
    await useUntil(page, 16)
    time.pass(14.5)
    await showAgain(page)
    const dialog = page.getByRole('alertdialog')
    await dialog.getByRole('button', { name: 'Stay signed in' }).click()
    await dialog.getByRole('link', { name: 'Sign in again' }).waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Stay signed in' }).count(), 0)
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Sign in again')
    assert.match(await page.locator('#announcer').innerText(), /as long as a session may/)
  })

  test('a session that ends while one chooses leaves the entrance', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    const id = readSessionId(page)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('link', { name: /^Amy Victoria Shaw/ }).waitFor()
    await endElsewhere(world, id)
    await showAgain(page)
    await page.getByRole('link', { name: /^Amy Victoria Shaw/ }).waitFor({ state: 'detached' })
  })
})
