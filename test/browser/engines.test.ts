// The demo in the three engines, as a user has it: sign in by clicking, two patients in two tabs, sessions
// that end, sign out. What Chromium alone was asked is in demo.test.ts and demo-session.test.ts.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clickOn, type Engine, says, type Tab, until } from '../world/engine.ts'
import { engines } from '../world/engines.ts'
import { createTime } from '../world/time.ts'
import { endElsewhere } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

for (const { name, isThere, launch } of engines) {
  describe(`the demo in ${name}`, { skip: !isThere() }, () => {
    let world: World
    let engine: Engine
    const time = createTime()
    before(async () => {
      world = await createWorld({ now: time.now })
      time.show(world)
      engine = await launch()
    })
    after(async () => {
      await engine?.close()
      await world?.close()
    })

    /** A tab with a patient's record, from a launch. */
    async function openRecord(patient: string, heading: string): Promise<Tab> {
      const tab = await engine.open()
      await tab.goto(`${world.sandbox.url}/launch-app?patient=${patient}&auto=1`)
      await showsRecord(tab, heading)
      return tab
    }

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
      await holdsNoRecord(tab, 'Amy')
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
        await tab.close()
      }
    })

    test('[K5] a session that ends elsewhere takes its record off the page, and no other one', async () => {
      const ben = await openRecord('ben-ortega', 'Benicio Ortega')
      const hiro = await openRecord('hiro-tanaka', 'Hiro Tanaka')
      await endElsewhere(world, await readId(ben))
      await until(ben, says('This session is over'))
      await holdsNoRecord(ben, 'Benicio')
      await showsRecord(hiro, 'Hiro Tanaka')
      await ben.close()
      await hiro.close()
    })

    test('warns before the end, one button is enough to stay, and at the end the record is gone', async t => {
      t.after(() => time.reset())
      const tab = await openRecord('ben-ortega', 'Benicio Ortega')
      const dialog = `document.querySelector('[role=alertdialog][open]')`
      const pass = async (minutes: number) => {
        time.pass(minutes)
        await tab.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
      }
      await pass(13.1)
      await until(tab, `${dialog}?.textContent.includes('Your session is about to end')`)
      await until(tab, String.raw`/^\d:\d\d left · Benicio Ortega/.test(document.title)`)
      assert.equal(await tab.evaluate('document.activeElement.textContent'), 'Stay signed in')
      await clickOn(tab, '[role=alertdialog] button')
      await until(tab, `!${dialog}`)
      await pass(13.1)
      await until(tab, dialog)
      await pass(3)
      await until(tab, says('This session is over'))
      await holdsNoRecord(tab, 'Benicio')
      await tab.close()
    })
  })
}

/** Waits for the whole record of a patient: who it is, and the values that a chart is drawn from. */
async function showsRecord(tab: Tab, heading: string): Promise<void> {
  await until(tab, says(heading))
  await until(tab, `document.querySelector('#trends table')`)
}

async function holdsNoRecord(tab: Tab, name: string): Promise<void> {
  const shown = await tab.evaluate<string>('document.title + document.body.innerText')
  assert.doesNotMatch(shown, new RegExp(`${name}|Trends|Encounters`))
}

const readId = (tab: Tab) =>
  tab.evaluate<string>(`new URLSearchParams(location.search).get('session')`)
