// What a scrape says after an ordinary morning: logins, reads, a refusal by the EHR, one that is down.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { findPort } from '../world/port.ts'
import { findSamples, readSamples, type Sample } from '../world/scrape.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

let world: World
let port: number
let samples: Sample[]
before(async () => {
  port = await findPort()
  world = await createWorld({
    sandbox: {
      faces: [
        { name: 'strict', about: 'Refuses.', refusesAuthorization: 'access_denied' },
        {
          name: 'silent',
          about: 'Breaks off every read.',
          fhir: async () => {
            throw new Error('gone')
          },
        },
      ],
    },
    configure(document, sandbox) {
      const [general] = document.ehrs
      document.admin = { port }
      for (const id of ['strict', 'silent']) {
        document.ehrs.push({ ...general, id, iss: `${sandbox}/faces/${id}/fhir` })
      }
    },
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw?a=%zz`)
  await browser.navigate(`${world.app}/login?ehr=strict`)
  await browser.navigate(`${world.app}/login?ehr=nobody`)
  samples = readSamples(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
})
after(() => world.close())

const one = (name: string, labels: Record<string, string> = {}) => {
  const found = findSamples(samples, name, labels)
  assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}: ${found.length}`)
  return found[0]?.value
}

test('[OB3] requests by route, method, status and error, under the names of OpenTelemetry', () => {
  const read = { http_route: '/sessions/:id/fhir/*', http_request_method: 'GET' }
  const ok = { ...read, http_response_status_code: '200', error_type: '' }
  assert.equal(one('http_server_request_duration_seconds_count', ok), 1)
  assert.equal(one('http_server_request_duration_seconds_bucket', { ...ok, le: '+Inf' }), 1)
  const refused = { ...read, http_response_status_code: '400' }
  assert.equal(one('http_server_request_duration_seconds_count', refused), 1)
  assert.equal(one('fhirstorm_refusals_total', { code: 'query_invalid' }), 1)
})

test('[OB3] calls to an EHR by kind', () => {
  const calls = (kind: string) =>
    findSamples(samples, 'http_client_request_duration_seconds_count', { ehr: 'general', kind })
  for (const kind of ['fhir', 'discovery', 'code', 'keys']) assert.ok(calls(kind).length > 0, kind)
  const [fhir] = calls('fhir')
  assert.deepEqual([fhir?.labels.http_response_status_code, fhir?.value], ['200', 1])
})

test('[OB3] logins by outcome, sessions that live, EHRs, the vault, the build', () => {
  assert.equal(one('fhirstorm_logins_total', { ehr: 'general', outcome: 'completed' }), 1)
  assert.equal(one('fhirstorm_logins_total', { ehr: 'strict', outcome: 'denied' }), 1)
  assert.equal(one('fhirstorm_sessions_live', { ehr: 'general' }), 1)
  assert.equal(one('fhirstorm_up', { ehr: 'general' }), 1)
  assert.ok(Number(one('fhirstorm_last_success_timestamp_seconds', { ehr: 'general' })) > 1e9)
  assert.equal(one('fhirstorm_session_event_streams'), 0)
  assert.equal(one('http_server_active_requests'), 0)
  assert.equal(one('fhirstorm_connections', { ehr: 'general' }), 1)
  assert.equal(one('fhirstorm_requests_waiting', { ehr: 'general' }), 0)
  assert.equal(one('fhirstorm_protocol_calls_in_flight', { ehr: 'general' }), 0)
  const [bytes, most] = [one('fhirstorm_vault_bytes'), one('fhirstorm_vault_max_bytes')]
  assert.ok(Number(bytes) > 1_000 && Number(bytes) < Number(most), `${bytes} of ${most}`)
  const insert = { operation: 'insert', outcome: 'done' }
  assert.ok(Number(one('fhirstorm_vault_operation_duration_seconds_count', insert)) >= 1)
  const [build] = findSamples(samples, 'fhirstorm_build_info')
  assert.match(build?.labels.version ?? '', /^\d+\.\d+\.\d+/)
})

test('[OB3, G5] no label is input: what nobody has registered has no series', () => {
  for (const { name, labels } of samples) {
    for (const text of Object.values(labels)) {
      assert.ok(!/nobody|amy|practitioner|%zz/.test(text), `${name} ${text}`)
    }
    if (labels.ehr) assert.ok(['general', 'strict', 'silent', ...others()].includes(labels.ehr))
  }
})

test('[OB3] an EHR that does not answer is down in metrics and in /ehrs, with its last code', async () => {
  const { product } = world
  for (let i = 0; i < 2; i++)
    product.smartAvailability?.note('silent', false, 'upstream_timeout', i === 1)
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const [up] = findSamples(readSamples(text), 'fhirstorm_up', { ehr: 'silent' })
  assert.equal(up?.value, 0)
  const open = (ehr: string) => findSamples(readSamples(text), 'fhirstorm_breaker_open', { ehr })
  assert.deepEqual([open('silent')[0]?.value, open('general')[0]?.value], [1, 0])
  const states = (await (await fetch(`http://127.0.0.1:${port}/ehrs`)).json()) as {
    ehr: string
    traffic: {
      isDown: boolean
      isResting: boolean
      lastFailure?: { code: string; at: string }
      lastSuccessAt?: string
    }
  }[]
  const silent = states.find(({ ehr }) => ehr === 'silent')
  assert.deepEqual(
    [silent?.traffic.isDown, silent?.traffic.isResting, silent?.traffic.lastFailure?.code],
    [true, true, 'upstream_timeout'],
  )
  const general = states.find(({ ehr }) => ehr === 'general')
  for (const time of [silent?.traffic.lastFailure?.at, general?.traffic.lastSuccessAt]) {
    assert.equal(new Date(time ?? '').toISOString(), time)
  }
})

function others(): string[] {
  return world.config.registrations.map(({ id }) => id)
}
