// An existing SMART app that signs in in a pop-up, as fhirclient does with `target: 'popup'`: the window on the way
// over the EHR and back still knows who opened it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSmartAppWorld } from '../world/app-world.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { openVisit } from '../world/visit.ts'

test('[FA1] an app that signs in in a pop-up goes on in its own window', {
  skip: !hasChromium(),
}, async t => {
  const world = await createSmartAppWorld(document => {
    document.facade.popups = true
  })
  t.after(() => world.close())
  const chromium = await launchChromium()
  t.after(() => chromium.close())
  await using visit = await openVisit(chromium)
  const { page } = visit
  await page.goto(`${world.app}/index.html`)
  const opening = page.waitForEvent('popup')
  await page.evaluate(`void FHIR.oauth2.authorize({
      ...{ iss: location.origin + '/smart/general', clientId: 'growth-notes', redirectUri: 'index.html' },
      ...{ scope: 'launch/patient openid fhirUser patient/*.rs', target: 'popup', completeInTarget: false },
    })`)
  const popup = await opening
  for (const step of ['#user-practitioner', '#patient-amy-shaw', '#allow']) {
    await popup.locator(step).click()
  }
  await page.waitForFunction(`/values|failed/.test(document.title)`)
  assert.match(await page.title(), /^amy-shaw: [1-9]/)
  if (!popup.isClosed()) await popup.waitForEvent('close')
})
