// `npm run screenshots`: the pictures of the README, of the demo in a real browser, light and dark.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from './world/chromium.ts'
import { createTime } from './world/time.ts'
import { launch, openVisit, showAgain } from './world/visit.ts'
import { createWorld } from './world/world.ts'

const folder = 'docs/screenshots'
mkdirSync(folder, { recursive: true })
const time = createTime()
const world = await createWorld({ now: time.now })
time.show(world)
const chromium = await launchChromium()
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    await using visit = await openVisit(chromium, {
      colorScheme,
      viewport: { width: 1200, height: 780 },
      locale: 'en-US',
    })
    const { page } = visit
    const take = (name: string) =>
      page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) })
    await showRecord(page)
    await take('record')
    time.pass(13.1)
    await showAgain(page)
    await page.getByRole('alertdialog').waitFor()
    await take('warning')
    time.reset()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out now' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await page.getByRole('link', { name: /^Irene/ }).waitFor()
    await take('signed-out')
  }
} finally {
  await chromium.close()
  await world.close()
}

/** One patient's record, beside another's session. */
async function showRecord(page: Page): Promise<void> {
  await launch(page, world, 'irene-kowalski')
  await launch(page, world, 'amy-shaw')
  await page.locator('#search tbody tr').first().waitFor()
  await page.getByRole('link', { name: /^Irene/ }).waitFor()
}
