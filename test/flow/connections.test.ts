// EHRs and gateways as they treat connections: closed while they were idle, or under the next request;
// interim answers that nobody asked for. Through the whole product, with what the EHR did counted.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { mannered } from '../../sandbox/faces/connections.ts'
import type { Face } from '../../sandbox/faces/face.ts'
import type { Manner } from '../../sandbox/http/connection.ts'
import { createBrowser } from '../world/browser.ts'
import { createWorld } from '../world/world.ts'
import { logIn } from './login.ts'

/** A login at an EHR that has this manner with every connection, and the requests that it has answered. */
async function meet(t: TestContext, manner: Manner) {
  const answered: string[] = []
  const face: Face = {
    ...mannered('manner', 'Has a manner with connections.', manner),
    async fhir(answer, { method, path }) {
      answered.push(`${method} ${path}`)
      return await answer()
    },
  }
  const world = await createWorld({
    sandbox: { faces: [face] },
    configure(document, sandbox) {
      const [general] = document.ehrs
      document.ehrs.push({ ...general, id: 'manner', iss: `${sandbox}/faces/manner/fhir` })
    },
  })
  t.after(() => world.close())
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=manner')
  return { world, browser, fhirBaseUrl, answered }
}

const observation = JSON.stringify({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'FHIRstorm test' },
  subject: { reference: 'Patient/amy-shaw' },
})
const headers = { 'content-type': 'application/fhir+json' }

for (const reused of ['close', 'reset'] as const) {
  test(`[Q47] a read on a connection that the EHR ends with a ${reused} is sent once more, a create never`, async t => {
    const { world, browser, fhirBaseUrl, answered } = await meet(t, { reused })
    const read = async () => (await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status
    const create = async () => {
      const asked = { method: 'POST', headers, body: observation }
      return (await browser.fetch(`${fhirBaseUrl}/Observation`, asked)).status
    }
    // The second one comes on the connection of the first, and nobody knows whether the EHR saw it.
    assert.deepEqual([await create(), await create()], [201, 502])
    // From here on the EHR is known to do so.
    for (let i = 0; i < 5; i++) {
      assert.deepEqual([await read(), await create(), await read()], [200, 201, 200])
    }
    assert.equal(answered.filter(one => one.startsWith('POST')).length, 6)
    assert.equal(answered.filter(one => one.startsWith('GET')).length, 10)
    // Logins and renewals are sent on connections of their own.
    world.sandbox.expireAccessTokens()
    assert.equal(await read(), 200)
  })
}

test('[Q47] an update and a deletion may be sent twice: both say in the end what they did', async t => {
  const { browser, fhirBaseUrl } = await meet(t, { reused: 'close' })
  const body = JSON.stringify({ ...JSON.parse(observation), id: 'sent-twice' })
  for (let i = 0; i < 3; i++) {
    const url = `${fhirBaseUrl}/Observation/sent-twice`
    const updated = await browser.fetch(url, { method: 'PUT', headers, body })
    assert.ok([200, 201].includes(updated.status), `${updated.status} ${updated.text}`)
    const deleted = await browser.fetch(url, { method: 'DELETE' })
    assert.ok(deleted.status < 300, `${deleted.status} ${deleted.text}`)
  }
})

test('[Q47] a login and reads at an EHR that closes what was idle for a moment', async t => {
  const { browser, fhirBaseUrl } = await meet(t, { idleMs: 20, promises: 60 })
  for (let i = 0; i < 25; i++) {
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
    await pause(18 + (i % 5))
  }
})

for (const interim of [[100], [100, 100], [102, 100, 103], [103, 100, 102, 102]] as const) {
  test(`[Q46] interim answers ${interim.join(', ')} are skipped in the login, reads and writes`, async t => {
    const { world, browser, fhirBaseUrl, answered } = await meet(t, { interim })
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
    const created = await browser.fetch(`${fhirBaseUrl}/Observation`, {
      ...{ method: 'POST', headers, body: observation },
    })
    assert.equal(created.status, 201, created.text)
    assert.equal(answered.filter(one => one.startsWith('POST')).length, 1)
    world.sandbox.expireAccessTokens()
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  })
}
