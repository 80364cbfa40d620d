// The demo in the engines of Firefox and Safari, as a user has it: sign in by clicking, two patients in
// two tabs, sign out. What Chromium alone was asked is in demo.test.ts.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clickOn, type Engine, type Tab, until } from '../world/engine.ts'
import { hasFirefox, launchFirefox } from '../world/firefox.ts'
import { hasWebKit, launchWebKit } from '../world/webkit.ts'
import { createWorld, type World } from '../world/world.ts'

const engines = [
  { name: 'Firefox', isThere: hasFirefox, launch: launchFirefox },
  { name: 'WebKit', isThere: hasWebKit, launch: launchWebKit },
]

for (const { name, isThere, launch } of engines) {
  describe(`the demo in ${name}`, { skip: !isThere() }, () => {
    let world: World
    let engine: Engine
    before(async () => {
      world = await createWorld()
      engine = await launch()
    })
    after(async () => {
      await engine?.close()
      await world?.close()
    })

    test('a login by clicking ends at the record, and signing out takes it off the page', async () => {
      const tab = await engine.open()
      await tab.goto(world.app)
      await clickOn(tab, 'a[href*="ehr=general"]')
      await clickOn(tab, '#user-practitioner')
      await clickOn(tab, '#patient-amy-shaw')
      await clickOn(tab, '#allow')
      await showsRecord(tab, 'Amy Victoria Shaw')
      assert.equal(await tab.evaluate('document.cookie'), '')
      await clickOn(tab, '#actions button')
      await until(tab, says('You are signed out'))
      assert.doesNotMatch(await tab.evaluate('document.body.innerText'), /Type 2 diabetes/)
      await tab.close()
    })

    test('[Q1, K13] two patients in two tabs stay where they are, through a reload', async () => {
      const tabs = [
        { tab: await engine.open(), patient: 'amy-shaw', heading: 'Amy Victoria Shaw' },
        { tab: await engine.open(), patient: 'hiro-tanaka', heading: 'Hiro Tanaka' },
      ]
      for (const { tab, patient } of tabs) {
        await tab.goto(`${world.sandbox.url}/launch-app?patient=${patient}&auto=1`)
      }
      for (const { tab, heading } of tabs) await showsRecord(tab, heading)
      for (const { tab, heading } of tabs) {
        await tab.evaluate('(location.reload(), null)')
        await showsRecord(tab, heading)
      }
    })
  })
}

/** Waits for the whole record of a patient: who it is, and the values that a chart is drawn from. */
async function showsRecord(tab: Tab, heading: string): Promise<void> {
  await until(tab, says(heading))
  await until(tab, `document.querySelector('#trends table')`)
}

const says = (text: string) => `document.body.innerText.includes(${JSON.stringify(text)})`
