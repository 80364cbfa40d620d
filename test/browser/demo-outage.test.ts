// The demo when the EHR does not answer: one cause is told once, and all that waits for it comes back.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { type Line, startLine } from '../world/line.ts'
import { launch, openVisit, showsPlot } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

describe('the demo without its EHR in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let line: Line
  let chromium: Browser
  before(async () => {
    line = await startLine()
    world = await createWorld({
      configure(document) {
        document.ehrs[0].proxy = line.url
      },
    })
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
    await line.close()
  })

  test('an EHR that does not answer is told once, and what is missing is loaded when it does', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    line.cut()
    await page.reload()
    await page.getByText('General Hospital does not answer.').waitFor()
    await page.getByText('Whose record this is, is not known yet').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 1)
    assert.doesNotMatch(await page.locator('body').innerText(), /diabetes|Amy-/)
    line.mend()
    await page.getByRole('button', { name: 'Try again' }).click()
    await showsPlot(page)
    assert.equal(await page.getByText('does not answer.').count(), 0)
  })

  test('an EHR that falls silent while the record loads leaves one notice, and quiet cards', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    await page.route(/\/fhir\/(?!Patient)/, async route => {
      line.cut()
      await route.continue()
    })
    await page.reload()
    await page.getByText('General Hospital does not answer.').waitFor()
    await page.locator('#search').getByText('Not loaded.').waitFor()
    assert.ok((await page.getByText('Not loaded.').count()) >= 6)
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 1)
    await page.unroute(/\/fhir\/(?!Patient)/)
    line.mend()
    await page.getByRole('button', { name: 'Try again' }).click()
    await showsPlot(page)
    await page.locator('#search tbody tr').first().waitFor()
    await page.getByText('Not loaded.').first().waitFor({ state: 'detached' })
    assert.equal(await page.getByText('does not answer.').count(), 0)
  })

  test('while an EHR is silent, the page says what it waits for and whose record is not known', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    line.silence()
    await page.reload()
    await page.getByRole('status').getByText('Waiting for General Hospital …').waitFor()
    const heading = page.getByRole('heading', { level: 1 })
    assert.equal(await heading.innerText(), 'Whose record this is, is not known yet')
    assert.doesNotMatch(await page.locator('main').innerText(), /diabetes|Amy-/)
    line.mend()
    await showsPlot(page)
    assert.match(await heading.innerText(), /Shaw/)
    assert.equal(await page.getByText('Waiting for').count(), 0)
  })

  test('that fhirstorm itself does not answer is told as that', async () => {
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await launch(page, world, 'amy-shaw')
    await context.setOffline(true)
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('fhirstorm does not answer.').waitFor()
    await context.setOffline(false)
    await page.getByText('fhirstorm does not answer.').waitFor({ state: 'detached' })
    await page.locator('#search tbody tr').first().waitFor()
  })
})
