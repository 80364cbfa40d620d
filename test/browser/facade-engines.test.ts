// An existing SMART app (examples/smart-app, with fhirclient's own build) behind the façade in the three engines:
// launched by the EHR and by itself, two patients in two tabs, a session that ends. Chromium has more of it in
// facade.test.ts.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createSmartAppWorld } from '../world/app-world.ts'
import { clickOn, type Engine, type Tab, until } from '../world/engine.ts'
import { engines } from '../world/engines.ts'
import { endElsewhere } from '../world/visit.ts'
import type { World } from '../world/world.ts'

const read = (patient: string) =>
  `FHIR.oauth2.ready().then(client => client.request('Patient/${patient}')).then(found => found.id, error => String(error.status || error.message))`

for (const { name, isThere, launch } of engines) {
  describe(`an existing SMART app in ${name}`, { skip: !isThere() }, () => {
    let world: World
    let engine: Engine
    before(async () => {
      world = await createSmartAppWorld()
      engine = await launch()
    })
    after(async () => {
      await engine?.close()
      await world?.close()
    })

    async function openRecord(patient: string): Promise<Tab> {
      const tab = await engine.open()
      await tab.goto(`${world.sandbox.url}/launch-app?patient=${patient}&auto=1`)
      await showsRecord(tab, patient)
      return tab
    }

    test('[FA1] is launched by the EHR, holds a name and no token, and needs nothing for a reload', async () => {
      const tab = await openRecord('amy-shaw')
      const token = `FHIR.oauth2.ready().then(client => client.state.tokenResponse.access_token)`
      assert.match(await tab.evaluate(token), /^[\w-]{22}$/)
      const stored = await tab.evaluate<string>(
        `JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])`,
      )
      const issuers = [...new Set(stored.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g))].map(
        found => JSON.parse(String(Buffer.from(found.split('.')[1] ?? '', 'base64url'))).iss,
      )
      assert.deepEqual(issuers, [`${world.app}/smart/general`])
      await tab.evaluate(`(document.title = 'left', location.reload(), null)`)
      await showsRecord(tab, 'amy-shaw')
      await tab.close()
    })

    test('[FA1, FA3] begins by itself in one tab, and another one keeps its patient', async () => {
      const first = await openRecord('ben-ortega')
      const second = await openRecord('ben-ortega')
      await clickOn(second, 'button')
      // Whoever is signed in there is not asked again.
      for (const step of ['#patient-amy-shaw', '#allow']) {
        await until(second, `document.querySelector('#user-practitioner, ${step}')`)
        const isAsked = await second.evaluate(
          `document.querySelector('#user-practitioner') !== null`,
        )
        if (isAsked) await clickOn(second, '#user-practitioner')
        await clickOn(second, step)
      }
      await showsRecord(second, 'amy-shaw')
      assert.equal(await first.evaluate(read('ben-ortega')), 'ben-ortega')
      assert.equal(await second.evaluate(read('amy-shaw')), 'amy-shaw')
      await first.close()
      await second.close()
    })

    test('[FA3] a session that ends elsewhere is a 401 for its app, and for that tab alone', async () => {
      const ended = await openRecord('amy-shaw')
      const other = await openRecord('ben-ortega')
      const id = await ended.evaluate<string>(
        `FHIR.oauth2.ready().then(client => client.state.tokenResponse.access_token)`,
      )
      await endElsewhere(world, id)
      assert.match(await ended.evaluate(read('amy-shaw')), /401|expired/i)
      assert.equal(await other.evaluate(read('ben-ortega')), 'ben-ortega')
      await ended.close()
      await other.close()
    })
  })
}

async function showsRecord(tab: Tab, patient: string): Promise<void> {
  await until(tab, `/values|failed/.test(document.title)`)
  assert.match(await tab.evaluate('document.title'), new RegExp(`^${patient}: [1-9]`))
}
