// A visit to the demo in Chromium: a browser of one's own, launches from the EHR, and the plot that a
// record ends at.

import assert from 'node:assert/strict'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { collectComplaints } from './chromium.ts'
import type { World } from './world.ts'

export interface Visit extends AsyncDisposable {
  page: Page
  context: BrowserContext
  /** What the page has complained of. */
  complaints: string[]
}

/** A browser of one's own, gone at the end of the test. */
export async function openVisit(
  chromium: Browser,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await chromium.newContext({ reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const complaints = collectComplaints(page)
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() }
}

/** An EHR launch, up to the plot. */
export async function launch(page: Page, world: World, patient: string): Promise<void> {
  await page.goto(`${world.sandbox.url}/launch-app?patient=${patient}&auto=1`)
  await showsPlot(page)
}

/** The id of the session that the page shows. */
export function readSessionId(page: Page): string {
  return new URL(page.url()).searchParams.get('session') ?? ''
}

/** Ends a session as an administrator does. */
export async function endElsewhere({ product }: World, id: string): Promise<void> {
  const { smartSessions: store } = product
  const { ended } = await store.endAll([store.recordId(id)], 'operator')
  assert.equal(ended, 1)
}

/** Has the page ask how long its session lasts, as when it is shown again. */
export async function showAgain(page: Page): Promise<void> {
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
}

/** Waits for the plot and holds that something is drawn in the colour of the first series. */
export async function showsPlot(page: Page): Promise<void> {
  await page.locator('.plot canvas').waitFor()
  assert.ok((await page.evaluate<number>(countSeriesPixels)) > 100, 'the plot is empty')
}

// What runs in the page, as text: the tests know nothing of its types.
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
