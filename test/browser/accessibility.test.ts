// Every page of the demo and of fhirstorm itself, in light and dark, on a desk and on a phone: axe finds
// nothing, and nothing of the demo is wider than its window (WCAG 1.4.10).

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { findOverflow, findViolations } from '../world/axe.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { createTime } from '../world/time.ts'
import { endElsewhere, launch, openVisit, readSessionId, showAgain } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

const looks = [
  { colorScheme: 'light', viewport: { width: 320, height: 640 } },
  { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
] as const

describe('accessibility in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let bare: World
  let chromium: Browser
  const time = createTime()
  before(async () => {
    world = await createWorld({ now: time.now })
    time.show(world)
    bare = await createWorld({
      configure(document) {
        document.frontend = {}
        document.pages = { title: 'Growth charts', colour: '#ffee00' }
      },
    })
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
    await bare.close()
  })

  /** Ways to the pages of the demo; each begins where the one before has ended. */
  const demo: Record<string, (page: Page) => Promise<unknown>> = {
    async welcome(page) {
      await page.goto(world.app)
      await page.getByRole('heading', { level: 1 }).waitFor()
    },
    async 'a refused login'(page) {
      await page.goto(`${world.app}/?error=access_denied`)
      await page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    },
    async 'a record'(page) {
      await launch(page, world, 'irene-kowalski')
      await launch(page, world, 'amy-shaw')
      await page.locator('#search tbody tr').first().waitFor()
    },
    async 'a record, all of it open'(page) {
      await page.getByText('The values as a table').click()
      await page.getByRole('button', { name: /^Show all/ }).click()
      await page.getByRole('button', { name: 'Next' }).click()
      await page.getByText(/^6–10 of/).waitFor()
    },
    async 'a letter'(page) {
      await page.getByRole('button', { name: 'Open Outpatient note' }).click()
      await page.locator('dialog pre').waitFor()
    },
    async 'a picture'(page) {
      await page.getByRole('button', { name: 'Close' }).click()
      await page.getByRole('button', { name: 'Open Photographic image' }).click()
      await page.locator('dialog img').waitFor()
    },
    async 'the warning'(page) {
      await page.getByRole('button', { name: 'Close' }).click()
      time.pass(13.1)
      await showAgain(page)
      await page.getByRole('alertdialog').waitFor()
    },
    async 'what is not loaded'(page) {
      const dialog = page.getByRole('alertdialog')
      await dialog.getByRole('button', { name: 'Stay signed in' }).click()
      await dialog.waitFor({ state: 'hidden' })
      await page.context().setOffline(true)
      await page.getByRole('button', { name: 'Search' }).click()
      await page.getByText('fhirstorm does not answer.').waitFor()
    },
    async 'signing out that did not work'(page) {
      await page.locator('#actions button').click()
      await page.getByRole('heading', { name: 'You are still signed in' }).waitFor()
    },
    async 'signed out'(page) {
      await page.context().setOffline(false)
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    },
    async 'a session that is over'(page) {
      await launch(page, world, 'amy-shaw')
      await endElsewhere(world, readSessionId(page))
      await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    },
  }

  for (const look of looks) {
    const name = `${look.colorScheme}, ${look.viewport.width} pixels wide`
    test(`the pages of the demo: ${name}`, async () => {
      time.reset()
      await using visit = await openVisit(chromium, look)
      for (const [what, go] of Object.entries(demo)) {
        await go(visit.page)
        assert.deepEqual(await findViolations(visit.page), [], what)
        assert.equal(await findOverflow(visit.page), 0, `${what} is too wide`)
      }
    })

    test(`the pages of fhirstorm itself: ${name}`, async () => {
      await using visit = await openVisit(chromium, look)
      for (const path of ['/', '/login', '/redirect?state=none', '/launch?iss=x', '/docs']) {
        await visit.page.goto(`${bare.app}${path}`)
        assert.deepEqual(await findViolations(visit.page), [], path)
        assert.equal(await findOverflow(visit.page), 0, `${path} is too wide`)
      }
    })
  }
})
