// Headless Chromium for tests that need a real browser. Where the program is missing this is said
// loudly, and is a failure where CI is set.

import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const PROGRAM = '/usr/bin/chromium'

/** True when Chromium is there. */
export function hasChromium(): boolean {
  if (existsSync(PROGRAM)) return true
  const message = `${PROGRAM} is missing: install the package chromium`
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message}; its tests are skipped ***\n`)
  return false
}

/** A browser that talks to nobody by itself. */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: PROGRAM,
    // As users have it: pages are kept for going back.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** What a page complains of from now on: its errors, and those of its console (CSP among them). */
export function collectComplaints(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return complaints
}
