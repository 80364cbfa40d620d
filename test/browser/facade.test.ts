// An existing SMART app (examples/smart-app, with fhirclient's own build) in a real browser behind the façade:
// launched by the EHR and by itself, two patients in two tabs, and what its storage holds.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createSmartAppWorld } from '../world/app-world.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { endElsewhere, openVisit } from '../world/visit.ts'
import type { World } from '../world/world.ts'

const accessTokens = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g

describe('an existing SMART app in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  before(async () => {
    world = await createSmartAppWorld()
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
  })

  async function launch(page: Page, asked: string, patient = asked): Promise<void> {
    await page.goto(`${world.sandbox.url}/launch-app?patient=${asked}&auto=1`)
    await page.waitForFunction(`/values|failed/.test(document.title)`)
    assert.match(await page.title(), new RegExp(`^${patient}: [1-9]`))
  }

  /** Reads with the client that the app has. */
  const read = (page: Page, path: string) =>
    page.evaluate<string>(
      `FHIR.oauth2.ready().then(client => client.request('${path}')).then(found => found.id, error => error.status || error.message)`,
    )

  test('[FA1] is launched by the EHR, reads patient, user and pages of a search, and holds a name', async () => {
    await using visit = await openVisit(chromium)
    const { page, complaints } = visit
    await launch(page, 'amy-shaw')
    assert.match((await page.locator('#user').textContent()) ?? '', /^seen by \w+/)
    const state = await page.evaluate<Record<string, unknown>>(
      `FHIR.oauth2.ready().then(client => client.state.tokenResponse)`,
    )
    assert.match(String(state.access_token), /^[\w-]{22}$/)
    assert.equal(state.refresh_token, undefined)
    const stored = await page.evaluate<string>(
      `JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])`,
    )
    // One token, and it is ours: it says who, and opens nothing.
    const found = [...new Set(stored.match(accessTokens))]
    assert.equal(found.length, 1)
    const [, payload = ''] = found[0]?.split('.') ?? []
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    assert.equal(claims.iss, `${world.app}/smart/general`)
    // The address is clean after the app took its code, and a reload needs nothing.
    await page.reload()
    await page.waitForFunction(`/values|failed/.test(document.title)`)
    assert.match(await page.title(), /^amy-shaw: /)
    // Browsers look for an icon that this app has not.
    assert.deepEqual(
      complaints.filter(text => !/404/.test(text)),
      [],
    )
  })

  test('[FA1] has the encounter, the banner and the context that the EHR launched it with', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, 'amy-shaw&encounter=amy-shaw-visit-1', 'amy-shaw')
    const told = await page.evaluate<Record<string, unknown>>(`(async () => {
      const client = await FHIR.oauth2.ready()
      const [encounter, user] = await Promise.all([client.encounter.read(), client.user.read()])
      const { need_patient_banner: banner, fhirContext } = client.state.tokenResponse
      const { fhirUser, serverUrl } = { fhirUser: client.user.fhirUser, serverUrl: client.state.serverUrl }
      return { encounter: encounter.id, user: fhirUser === user.resourceType + '/' + user.id, banner, fhirContext, serverUrl }
    })()`)
    assert.deepEqual(told, {
      ...{ encounter: 'amy-shaw-visit-1', user: true, banner: true },
      fhirContext: [{ reference: 'DocumentReference/amy-shaw-letter', role: 'launch' }],
      serverUrl: `${world.app}/smart/general`,
    })
  })

  test('[FA1] shows what it has in memory as such apps do: in objects, embeds, frames and by fetch', async () => {
    await using visit = await openVisit(chromium)
    const { page } = visit
    await launch(page, 'amy-shaw')
    const refused = await page.evaluate<string[]>(`(async () => {
      const refused = []
      document.addEventListener('securitypolicyviolation', event => refused.push(event.effectiveDirective))
      const client = await FHIR.oauth2.ready()
      const found = await client.patient.request('DocumentReference', { flat: true })
      const { url } = found[0].content[0].attachment
      const blob = await client.request(url).then(answer => answer.blob())
      const { contentType, data } = await client.request({ url, headers: { accept: 'application/fhir+json' } })
      const addresses = [URL.createObjectURL(blob), 'data:' + contentType + ';base64,' + data]
      for (const address of addresses) {
        const fetched = await fetch(address).then(answer => answer.blob())
        if (fetched.type !== 'application/pdf' || fetched.size !== blob.size) refused.push(address)
        for (const [name, attribute] of [['object', 'data'], ['embed', 'src'], ['iframe', 'src']]) {
          const shown = document.createElement(name)
          if (name !== 'iframe') shown.type = contentType
          shown[attribute] = address
          document.body.append(shown)
        }
      }
      const script = 'postMessage(new Blob([]).size)'
      const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })))
      await new Promise((done, failed) => Object.assign(worker, { onmessage: done, onerror: failed }))
      // What is refused is told in a task of its own.
      await new Promise(done => setTimeout(() => requestAnimationFrame(done)))
      return refused
    })()`)
    assert.deepEqual(refused, [])
  })

  test('[FA1, FA3] begins by itself, and two patients in two tabs stay apart', async () => {
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await launch(page, 'amy-shaw')
    const second = await context.newPage()
    await launch(second, 'ben-ortega')
    await second.getByRole('button', { name: 'Another patient' }).click()
    // Whoever is signed in there is not asked again.
    const steps = ['#user-practitioner', '#patient-amy-shaw', '#allow']
    while (steps.length > 0) {
      await second.locator(steps.join(', ')).first().waitFor()
      const shown = await Promise.all(steps.map(step => second.locator(step).isVisible()))
      const [step = ''] = steps.splice(0, shown.indexOf(true) + 1).slice(-1)
      await second.locator(step).click()
    }
    await second.waitForFunction(`/values|failed/.test(document.title)`)
    assert.match(await second.title(), /^amy-shaw: /)
    const third = await context.newPage()
    await launch(third, 'ben-ortega')
    for (const [tab, patient] of [
      [page, 'amy-shaw'],
      [second, 'amy-shaw'],
      [third, 'ben-ortega'],
    ] as const) {
      const id = await tab.evaluate(
        `FHIR.oauth2.ready().then(client => client.patient.read()).then(found => found.id)`,
      )
      assert.equal(id, patient)
    }
  })

  test('[FA3] a session that ends elsewhere is a 401 for its app, and for that tab alone', async () => {
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await launch(page, 'amy-shaw')
    const other = await context.newPage()
    await launch(other, 'ben-ortega')
    const name = await page.evaluate<string>(
      `FHIR.oauth2.ready().then(client => client.state.tokenResponse.access_token)`,
    )
    await endElsewhere(world, name)
    assert.match(String(await read(page, 'Patient/amy-shaw')), /401|expired/i)
    assert.equal(await read(other, 'Patient/ben-ortega'), 'ben-ortega')
    // Renewing without a refresh token is what fhirclient itself refuses.
    const renewal = await other.evaluate<string>(
      `FHIR.oauth2.ready().then(client => client.refresh()).then(() => 'renewed', error => error.message)`,
    )
    assert.match(renewal, /refresh/i)
  })
})
