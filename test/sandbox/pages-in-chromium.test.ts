// The sandbox's pages in a real browser: on a phone of 320 px by day and on a desk by night, each judged
// by axe.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { findOverflow, findViolations } from '../world/axe.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { APP_URL, createApp } from './app.ts'

describe("the sandbox's pages in Chromium", { skip: !hasChromium() }, () => {
  let sandbox: Sandbox
  let chromium: Browser
  const pages = new Map<string, string>()
  before(async () => {
    sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
    chromium = await launchChromium()
    const { url: authorize } = createApp(sandbox).request()
    pages.set('start', sandbox.url)
    pages.set('faces', `${sandbox.url}/faces`)
    pages.set('chart', `${sandbox.url}/chart?patient=amy-shaw&face=embedded`)
    pages.set('accounts', authorize)
    pages.set('patients', `${authorize}&user=nurse`)
    pages.set('consent', `${authorize}&user=nurse&patient=amy-shaw`)
    pages.set('nobody', `${authorize}&user=nurse&patient=nobody`)
    pages.set('not found', `${sandbox.url}/nowhere`)
    pages.set('error', `${sandbox.url}/oauth/authorize?client_id=unknown`)
    pages.set('sign out', `${sandbox.url}/oauth/logout`)
  })
  after(async () => {
    await chromium.close()
    await sandbox.close()
  })

  for (const [colorScheme, width] of [
    ['light', 320],
    ['dark', 1280],
  ] as const) {
    test(`${colorScheme} at ${width} px: each page fits, and axe finds nothing`, async t => {
      const viewport = { width, height: 720 }
      const context = await chromium.newContext({ viewport, colorScheme })
      t.after(() => context.close())
      for (const [name, url] of pages) {
        const page = await context.newPage()
        await page.goto(url)
        assert.equal(await findOverflow(page), 0, `${name} is wider than its window`)
        assert.deepEqual(await findViolations(page), [], name)
        await page.close()
      }
    })
  }
})
