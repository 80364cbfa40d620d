// The CapabilityStatement that old apps are shown: how often the EHR is asked for it, whoever asks us, and
// that none of its own endpoints is left in it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildCapabilityStatement, buildSmartConfiguration } from '../../src/facade/documents.ts'
import { createStatements } from '../../src/facade/statements.ts'
import type { ProtocolFetch } from '../../src/smart/types.ts'
import { createClock } from '../session/sessions.ts'
import { buildRegistration } from '../smart/registration.ts'
import { buildServer } from '../smart/server.ts'

const SECOND = 1_000
const ours = 'https://app.example/smart/general'
const oauthUris = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

function ask(answer: () => Promise<Response>) {
  const clock = createClock()
  let asked = 0
  const fetchFor = () =>
    (async () => {
      asked++
      return await answer()
    }) as unknown as ProtocolFetch
  const read = createStatements({
    ...{ fetchFor, facadeUrlOf: () => ours, now: clock.now, steady: clock.now },
  })
  const registration = buildRegistration()
  return { clock, read: () => read(registration), asked: () => asked }
}

const own = (name: string) => Response.json({ resourceType: 'CapabilityStatement', name })

test('[FA4] a thousand that ask at once cost the EHR one request, and later ones none for ten minutes', async () => {
  const { clock, read, asked } = ask(async () => own('first'))
  const told = await Promise.all(Array.from({ length: 1_000 }, read))
  assert.equal(new Set(told).size, 1)
  clock.pass(599 * SECOND)
  await read()
  assert.equal(asked(), 1)
  clock.pass(SECOND)
  await read()
  assert.equal(asked(), 2)
})

test('[FA4] an EHR that fails is left in peace for half a minute, and what it said last is told', async () => {
  let isDown = true
  const { clock, read, asked } = ask(async () => {
    if (isDown) throw new Error('down')
    return own('its own')
  })
  const least = JSON.parse(await read())
  assert.equal(least.rest[0].security.extension[0].url, oauthUris)
  for (let i = 0; i < 100; i++) await read()
  assert.equal(asked(), 1)
  clock.pass(30 * SECOND)
  isDown = false
  assert.equal(JSON.parse(await read()).name, 'its own')
  isDown = true
  clock.pass(600 * SECOND)
  assert.equal(JSON.parse(await read()).name, 'its own')
  assert.equal(JSON.parse(await read()).name, 'its own')
  assert.equal(asked(), 3)
})

test('[FA4] answers that are no documents leave the least that an app needs', async () => {
  for (const odd of [
    new Response('<html>'),
    new Response('[]'),
    new Response('{}', { status: 500 }),
    new Response(''),
  ]) {
    const { read } = ask(async () => odd)
    assert.equal(JSON.parse(await read()).resourceType, 'CapabilityStatement')
  }
})

test('[FA1] whatever the EHR says of itself, no endpoint of its own is left', () => {
  const security = {
    extension: [{ url: oauthUris, extension: [{ valueUri: 'https://ehr.example' }] }],
  }
  for (const rest of [
    undefined,
    'server',
    [],
    [null, 'x', 7],
    [
      { mode: 'server', security },
      { mode: 'client', security },
      { mode: 'server', security },
    ],
    [{ security }],
  ]) {
    const told = buildCapabilityStatement(
      ours,
      { resourceType: 'CapabilityStatement', implementation: { url: 'https://ehr.example' }, rest },
      '2026-01-01',
    )
    const text = JSON.stringify(told)
    assert.ok(!text.includes('ehr.example'), text)
    assert.ok(text.includes(`${ours}/authorize`) && text.includes(`${ours}/token`))
  }
})

test('[FA1] capabilities are the EHR’s where its sessions have them here too, and never its client’s', () => {
  const server = buildServer({
    capabilities: [
      ...['launch-ehr', 'client-confidential-symmetric', 'client-confidential-asymmetric'],
      ...['permission-offline', 'permission-patient', 'context-ehr-patient', 'permission-v2'],
      ...['authorize-post', 'context-banner'],
    ],
  })
  const { capabilities } = buildSmartConfiguration(ours, server) as { capabilities: string[] }
  assert.deepEqual(capabilities.toSorted(), [
    ...['client-public', 'context-banner', 'context-ehr-patient', 'launch-ehr'],
    ...['launch-standalone', 'permission-patient', 'permission-v2', 'sso-openid-connect'],
  ])
})

test('[FA1] what an EHR says of an error is no statement of what it can do', async () => {
  const outcome = { resourceType: 'OperationOutcome', text: 'amy-shaw-canary' }
  for (const status of [401, 404, 500]) {
    const { read } = ask(async () => Response.json(outcome, { status }))
    const told = await read()
    assert.equal(JSON.parse(told).resourceType, 'CapabilityStatement')
    assert.ok(!told.includes('canary'))
  }
})
