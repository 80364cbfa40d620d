// Counters of a service that is given another configuration: what was counted stays counted, else every reload
// would look like a restart, and whoever reads the EHR's state sees that of now.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { logIn } from '../flow/login.ts'
import { openStream } from '../flow/stream.ts'
import { createBrowser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { type ProcessWorld, startProcessWorld } from '../world/process-world.ts'
import { findSamples, readSamples } from '../world/scrape.ts'

let world: ProcessWorld
before(async () => {
  world = await startProcessWorld({
    sandbox: { faces: [endlessFace], ehrIds: ehrIdsWith('endless') },
    configure: (document, sandboxUrl) => registerFaces(document, sandboxUrl, ['endless']),
  })
})
after(() => world.close())

const reload = async () => (await fetch(`${world.admin}/reload`, { method: 'POST' })).status

async function scrape() {
  const samples = readSamples(await (await fetch(`${world.admin}/metrics`)).text())
  return (name: string, labels: Record<string, string> = {}) => {
    const found = findSamples(samples, name, labels)
    assert.ok(found.length <= 1, `${name}: ${found.length}`)
    return found[0]?.value
  }
}

test('[OB3, RL1] a reload begins no counter anew, and counts itself', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  // A generation that has an answer under way for long stays beside the next ones.
  const endless = await logIn(world, browser, 'amy-shaw', 'ehr=endless')
  const stream = await openStream(browser, `${endless.fhirBaseUrl}/Patient`)
  const read = async (times: number) => {
    for (let i = 0; i < times; i++) await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  }
  const reads = {
    ...{ http_route: '/sessions/:id/fhir/*', http_request_method: 'GET' },
    http_response_status_code: '200',
  }
  await read(3)
  const first = await scrape()
  const began = Number(first('fhirstorm_last_reload_success_timestamp_seconds'))
  assert.deepEqual(
    [first('fhirstorm_last_reload_successful'), began > 1e9, began < Date.now() / 1000 + 60],
    [1, true, true],
  )
  for (let round = 1; round <= 3; round++) {
    assert.equal(await reload(), 200)
    await read(2)
    const now = await scrape()
    assert.equal(now('http_server_request_duration_seconds_count', reads), 3 + 2 * round)
    assert.equal(now('fhirstorm_logins_total', { ehr: 'general', outcome: 'completed' }), 1)
    assert.equal(now('fhirstorm_requests_in_flight', { ehr: 'endless' }), 1)
    assert.equal(now('fhirstorm_sessions_live', { ehr: 'general' }), 1)
    assert.equal(now('fhirstorm_up', { ehr: 'general' }), 1)
    assert.equal(now('fhirstorm_reloads_total', { outcome: 'done' }), round)
    assert.ok(Number(now('fhirstorm_last_reload_success_timestamp_seconds')) >= began)
  }
  const good = readFileSync(world.file, 'utf8')
  writeFileSync(world.file, good.replace('publicUrl:', 'publicURL:'))
  assert.equal(await reload(), 422)
  const refused = await scrape()
  assert.equal(refused('fhirstorm_reloads_total', { outcome: 'refused' }), 1)
  assert.equal(refused('fhirstorm_last_reload_successful'), 0)
  writeFileSync(world.file, good)
  assert.equal(await reload(), 200)
  assert.equal((await scrape())('fhirstorm_last_reload_successful'), 1)
  await fetch(`${world.admin}/sessions?ehr=endless`, { method: 'DELETE' })
  await stream.cut()
})
