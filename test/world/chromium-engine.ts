// Chromium as one engine among others: what tests ask of each, by Playwright.

import type { Page } from 'playwright-core'
import { launchChromium, PARTITIONED_STORAGE } from './chromium.ts'
import type { Engine, Tab } from './engine.ts'

/** Chromium with a jar of cookies of its own, and storage in frames partitioned as users have it. */
export async function launchChromiumEngine(): Promise<Engine> {
  const chromium = await launchChromium(PARTITIONED_STORAGE)
  const context = await chromium.newContext()
  return {
    name: 'Chromium',
    open: async () => toTab(await context.newPage()),
    close: () => chromium.close(),
  }
}

function toTab(page: Page): Tab {
  return {
    async goto(url) {
      await page.goto(url)
    },
    evaluate: expression => page.evaluate(expression),
    async evaluateInFrame(expression) {
      const [frame] = page.mainFrame().childFrames()
      if (frame === undefined) throw new Error('no frame is in the page')
      return await frame.evaluate(expression)
    },
    click: selector => page.locator(selector).first().click(),
    screenshot: () => page.screenshot(),
    close: () => page.close(),
  }
}
