// fhirstorm/browser in the three engines against the real product: from its own origin, from another origin
// of the same site, and as what fhirclient takes.

import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fhirclient } from '../world/app-world.ts'
import { type Elsewhere, EMPTY_PAGE, startElsewhere } from '../world/elsewhere.ts'
import { type Engine, type Tab, until } from '../world/engine.ts'
import { engines } from '../world/engines.ts'
import { endElsewhere } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

for (const { name, isThere, launch } of engines) {
  describe(`fhirstorm/browser in ${name}`, { skip: !isThere() }, () => {
    let world: World
    let engine: Engine
    let elsewhere: Elsewhere
    before(async () => {
      elsewhere = await startElsewhere()
      copyFileSync(fhirclient, join(elsewhere.folder, 'fhir-client.js'))
      world = await createWorld({
        configure(document) {
          document.frontend = {
            static: elsewhere.folder,
            origins: [document.publicUrl, elsewhere.origin],
          }
        },
      })
      engine = await launch()
    })
    after(async () => {
      await engine?.close()
      await world?.close()
      await elsewhere?.close()
    })

    async function launchFromEhr(tab: Tab): Promise<string> {
      await tab.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
      await until(tab, `location.search.includes('session=')`)
      return await tab.evaluate(`new URLSearchParams(location.search).get('session')`)
    }

    /** A tab that has signed in, on a page on which nothing runs but a client of its own. */
    async function begin(origin: string): Promise<{ tab: Tab; id: string }> {
      const tab = await engine.open()
      const id = await launchFromEhr(tab)
      await tab.goto(`${origin}/${EMPTY_PAGE}`)
      await tab.evaluate(`(async () => {
        const { createClient, ...rest } = await import('${origin}/client/index.js')
        const client = createClient({ baseUrl: ${JSON.stringify(world.app)}, pollSeconds: 600 })
        Object.assign(globalThis, rest, { client, heard: [] })
        client.watch(event => heard.push(event.type + ' ' + event.id))
        globalThis.session = await client.session('${id}')
      })()`)
      return { tab, id }
    }

    for (const where of ['its own origin', 'another origin of the same site']) {
      const originOf = () => (where === 'its own origin' ? world.app : elsewhere.origin)

      test(`reads, writes, watches and logs out from ${where}`, async () => {
        const { tab, id } = await begin(originOf())
        const seen = await tab.evaluate(`(async () => {
          const patient = await client.fetch(session.fhirBaseUrl + '/Patient/' + session.patient)
          const created = await client.fetch(session.fhirBaseUrl + '/Observation', {
            method: 'POST',
            headers: { 'content-type': 'application/fhir+json' },
            body: JSON.stringify({
              resourceType: 'Observation', status: 'final', code: { text: 'by the client' },
              subject: { reference: 'Patient/' + session.patient },
            }),
          })
          const refused = await readFault(await client.fetch(session.fhirBaseUrl + '/%2e%2e/x'))
          return [(await patient.json()).id, created.status, refused.kind]
        })()`)
        assert.deepEqual(seen, ['amy-shaw', 201, 'refused'])
        await until(tab, `client.store.getSnapshot().state === 'known'`)
        assert.equal(
          await tab.evaluate('client.logout(session.id).then(all => all.endSessionUrls.length)'),
          1,
        )
        await until(tab, `heard.includes('ended ${id}')`)
        const left = `client.store.getSnapshot().sessions.some(({ id }) => id === '${id}')`
        assert.equal(await tab.evaluate(left), false)
        await tab.close()
      })

      test(`hears of an ending elsewhere from ${where}, and that a 401 of ours is one`, async () => {
        const { tab, id } = await begin(originOf())
        await until(tab, `client.store.getSnapshot().state === 'known'`)
        await endElsewhere(world, id)
        await until(tab, `heard.includes('ended ${id}')`)
        const kind = await tab.evaluate(
          `client.fetch(session.fhirBaseUrl + '/Patient').then(readFault).then(fault => fault.kind)`,
        )
        assert.equal(kind, 'no-session')
        await tab.close()
      })
    }

    test('[L23] a login begun at the second origin of a frontend comes back to it', async () => {
      const tab = await engine.open()
      const page = `${elsewhere.origin}/${EMPTY_PAGE}`
      await tab.goto(page)
      const begun = await tab.evaluate<string>(`(async () => {
        const { createClient } = await import('${elsewhere.origin}/client/index.js')
        return createClient({ baseUrl: '${world.app}' }).loginUrl({ ehr: 'general', returnTo: '/${EMPTY_PAGE}?x=1' })
      })()`)
      await tab.goto(begun)
      // The EHR's own page: the choice goes the way of those who say it in the address.
      const asked = new URL(await tab.evaluate<string>('location.href'))
      asked.searchParams.set('patient', 'amy-shaw')
      asked.searchParams.set('auto', '1')
      await tab.goto(asked.href)
      await until(tab, `location.search.includes('session=')`)
      const landed = await tab.evaluate<string>('location.href')
      assert.match(landed.replace(page, ''), /^\?x=1&session=[\w-]{22}$/)
      await tab.close()
    })

    test('fhirclient reads patient, user and encounter with the state that is made for it', async () => {
      const { tab } = await begin(world.app)
      const seen = await tab.evaluate(`(async () => {
        const script = Object.assign(document.createElement('script'), { src: '/fhir-client.js' })
        await new Promise((done, fail) => {
          Object.assign(script, { onload: done, onerror: fail })
          document.head.append(script)
        })
        const smart = FHIR.client(toFhirClient(session))
        const [patient, user] = await Promise.all([smart.patient.read(), smart.user.read()])
        return [smart.patient.id, patient.id, smart.user.fhirUser, user.id, smart.encounter.id]
      })()`)
      const user = 'maria-rivera'
      assert.deepEqual(seen, ['amy-shaw', 'amy-shaw', `Practitioner/${user}`, user, null])
      await tab.close()
    })
  })
}
