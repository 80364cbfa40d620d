// Counters of a service that is given another configuration: what was counted stays counted, else every reload
// would look like a restart, and whoever reads the EHR's state sees that of now.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { logIn } from '../flow/login.ts'
import { openStream } from '../flow/stream.ts'
import { type Broker, createBroker, makeFolder } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { findPort } from '../world/port.ts'
import { findSamples, readSamples } from '../world/scrape.ts'

let app: string
let admin: string
let file: string
let sandbox: Sandbox
let broker: Broker
before(async () => {
  const [port, adminPort] = await Promise.all([findPort(), findPort()])
  app = `http://localhost:${port}`
  admin = `http://127.0.0.1:${adminPort}`
  const folder = makeFolder()
  file = join(folder, `fhirstorm-${port}.yaml`)
  const ehrIds = ehrIdsWith('endless')
  sandbox = await startSandbox({ port: 0, appUrl: app, faces: [endlessFace], ehrIds })
  broker = createBroker({
    ...{ app, sandbox: sandbox.url, folder },
    configure(document) {
      document.admin = { port: adminPort }
      registerFaces(document, sandbox.url, ['endless'])
    },
  })
  await broker.start()
})
after(async () => {
  await broker.close()
  await sandbox.close()
})

const reload = async () => (await fetch(`${admin}/reload`, { method: 'POST' })).status

async function scrape() {
  const samples = readSamples(await (await fetch(`${admin}/metrics`)).text())
  return (name: string, labels: Record<string, string> = {}) => {
    const found = findSamples(samples, name, labels)
    assert.ok(found.length <= 1, `${name}: ${found.length}`)
    return found[0]?.value
  }
}

test('[OB3, RL1] a reload begins no counter anew, and counts itself', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
  // A generation that has an answer under way for long stays beside the next ones.
  const endless = await logIn({ app, sandbox }, browser, 'amy-shaw', 'ehr=endless')
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
  const good = readFileSync(file, 'utf8')
  writeFileSync(file, good.replace('publicUrl:', 'publicURL:'))
  assert.equal(await reload(), 422)
  const refused = await scrape()
  assert.equal(refused('fhirstorm_reloads_total', { outcome: 'refused' }), 1)
  assert.equal(refused('fhirstorm_last_reload_successful'), 0)
  writeFileSync(file, good)
  assert.equal(await reload(), 200)
  assert.equal((await scrape())('fhirstorm_last_reload_successful'), 1)
  await fetch(`${admin}/sessions?ehr=endless`, { method: 'DELETE' })
  await stream.cut()
})
