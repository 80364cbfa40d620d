// Headless Chromium for tests that need a real browser.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { makeProcessFolder, removeFolder } from './folder.ts'
import { hasPrograms } from './program.ts'

const PROGRAM = '/usr/bin/chromium'

/** True when Chromium is there. */
export function hasChromium(): boolean {
  return hasPrograms({ path: PROGRAM, debian: 'chromium' })
}

/** In place of Playwright's own list, which turns off that storage in frames is partitioned, as users have it. */
export const PARTITIONED_STORAGE = '--disable-features=MediaRouter,OptimizationHints,Translate'

const LAUNCH = {
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
}

/** A browser that talks to nobody by itself; further arguments win over earlier ones. */
export async function launchChromium(...further: readonly string[]): Promise<Browser> {
  return await chromium.launch({ ...LAUNCH, args: [...LAUNCH.args, ...further] })
}

/** A browser whose user lets no site at these hosts keep cookies, nor anything else. */
export async function launchWithoutCookies(...hosts: readonly string[]): Promise<BrowserContext> {
  const folder = makeProcessFolder('fhirstorm-chromium-')
  const cookies = Object.fromEntries(hosts.map(host => [`${host},*`, { setting: 2 }]))
  mkdirSync(join(folder, 'Default'))
  writeFileSync(
    join(folder, 'Default', 'Preferences'),
    JSON.stringify({ profile: { content_settings: { exceptions: { cookies } } } }),
  )
  const context = await chromium.launchPersistentContext(folder, LAUNCH)
  context.on('close', () => removeFolder(folder))
  return context
}

/**
 * What a page complains of from now on: its errors, and those of its console (CSP among them). That there
 * is no stream of session events, Chromium tells by itself.
 */
export function collectComplaints(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    const isExpected = message.location().url.endsWith('/sessions/events')
    if (message.type() === 'error' && !isExpected) complaints.push(message.text())
  })
  return complaints
}
