// Redirect URIs of several EHRs in one configuration: each its own by default, a shared one only by
// names that tell them apart, and every fault at its line.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { loadConfig } from '../../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { configErrorOf } from './config-error.ts'

const keys = printKeyRing(makeKeyRing(0, randomBytes))

/** A configuration of these EHRs, each with its further settings; five lines an EHR, then those. */
async function load(...settings: readonly string[][]) {
  const ehrs = settings.flatMap((further, i) => [
    `  - id: ehr${i + 1}`,
    `    name: EHR ${i + 1}`,
    `    iss: https://ehr${i + 1}.test/fhir`,
    '    clientId: app',
    '    clientAuth: { method: client_secret_basic, secret: a }',
    '    scope: launch patient/*.rs',
    ...further.map(line => `    ${line}`),
  ])
  const text = ['publicUrl: https://app.test/bff', 'keysFile: keys', 'ehrs:', ...ehrs].join('\n')
  return await loadConfig({
    file: { name: 'fhirstorm.yaml', text },
    env: {},
    readFile: async () => keys,
  })
}

async function urisOf(...settings: readonly string[][]) {
  const { registrations } = await load(...settings)
  return registrations.map(({ redirectUri }) => redirectUri.replace('https://app.test/bff', ''))
}

async function faultsOf(...settings: readonly string[][]) {
  const { faults } = await configErrorOf(load(...settings))
  return faults.map(({ where, message }) => `${where}: ${message}`)
}

const shared = 'redirectPath: /redirect'

test('[C2] one EHR has the plain redirect URI, several have one each', async () => {
  assert.deepEqual(await urisOf([]), ['/redirect'])
  assert.deepEqual(await urisOf([], []), ['/redirect/ehr1', '/redirect/ehr2'])
  assert.deepEqual(await urisOf([shared], []), ['/redirect', '/redirect/ehr2'])
  assert.deepEqual(await urisOf(['redirectPath: /redirect/ehr1']), ['/redirect/ehr1'])
})

test('[C2] a redirect URI that several share without names refuses the start, each at its line', async () => {
  const faults = await faultsOf([shared], [], [shared])
  assert.equal(faults.length, 2)
  assert.match(faults[0] ?? '', /^fhirstorm\.yaml:10:19: shares its redirect URI with ehr3, /)
  assert.match(faults[0] ?? '', /give it \/redirect\/ehr1, or, .* its responseIss$/)
  assert.match(faults[1] ?? '', /^fhirstorm\.yaml:23:19: shares its redirect URI with ehr1, /)
})

test('[C2] with names that differ they may share it; with the same name, or without one, they may not', async () => {
  const named = (iss: string) => [shared, `responseIss: ${iss}`]
  const first = named('https://ehr1.test')
  assert.deepEqual(await urisOf(first, named('https://ehr2.test')), ['/redirect', '/redirect'])
  assert.deepEqual(await faultsOf(first, named('https://ehr1.test')), [
    'fhirstorm.yaml:11:18: ehr2 has the same: nothing tells them apart',
    'fhirstorm.yaml:19:18: ehr1 has the same: nothing tells them apart',
  ])
  assert.match((await faultsOf(first, [shared])).join(), /^fhirstorm\.yaml:18:19: shares/)
  assert.match((await faultsOf([shared, 'responseIss: ehr'])).join(), /^fhirstorm\.yaml:11:18: /)
})
