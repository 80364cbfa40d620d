// FHIR data whose address somebody opens in a tab: the page says what to do, and shows nothing of it.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { launch, openVisit, readSessionId } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

describe('an address of FHIR data in a tab of Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  before(async () => {
    world = await createWorld()
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium?.close()
    await world?.close()
  })

  test('[X2] shows the small page in the language of the browser, with a session and without', async () => {
    await using visit = await openVisit(chromium, { locale: 'de-DE' })
    const { page } = visit
    await launch(page, world, 'amy-shaw')
    const base = `${world.app}/sessions/${readSessionId(page)}/fhir`
    for (const address of [`${base}/Patient/amy-shaw`, `${world.app}/fhir/Patient`]) {
      const answer = await page.goto(address)
      assert.equal(answer?.status(), 403, address)
      assert.match(answer?.headers()['proxy-status'] ?? '', /details="navigation_refused"/)
      assert.match(await page.innerText('main'), /FHIR-Daten werden nicht als Seite gezeigt/)
      assert.doesNotMatch(await page.content(), /Shaw/)
    }
  })
})
