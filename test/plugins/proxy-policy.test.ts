// A policy at the proxy: what is refused never reaches the EHR, and what passes is as without one.

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { useRig } from './proxy-rig.ts'

const fhir = { 'content-type': 'application/fhir+json' }
const batch = (method: string) =>
  JSON.stringify({
    ...{ resourceType: 'Bundle', type: 'batch' },
    entry: [
      { request: { method, url: 'Patient/1' }, resource: { resourceType: 'Patient', id: '1' } },
    ],
  })

describe('an EHR that is for reading alone', () => {
  const policy = { readOnly: true, enforceScopes: false }
  const rig = useRig({ registration: { policy } })
  beforeEach(() => {
    rig.ehr.requests.length = 0
  })

  test('[PO1] is sent reads, searches and batches of them, and nothing else', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const [path, how] of [
      ['/Patient/1', {}],
      ['/Patient/_search', { method: 'POST', headers: form, body: 'name=a' }],
      ['', { method: 'POST', headers: fhir, body: batch('GET') }],
    ] as const) {
      const { status, refusal, text } = await rig.call(path, how)
      assert.deepEqual([status, refusal], [200, undefined], text)
    }
    assert.equal(rig.ehr.requests.length, 3)
    rig.ehr.requests.length = 0
    for (const [path, how] of [
      ['/Patient', { method: 'POST', headers: fhir, body: '{"resourceType":"Patient"}' }],
      ['/Patient/1', { method: 'PUT', headers: fhir, body: '{"resourceType":"Patient"}' }],
      ['/Patient/1', { method: 'DELETE' }],
      ['/Patient/$merge', { method: 'POST', headers: fhir, body: '{}' }],
      ['', { method: 'POST', headers: fhir, body: batch('PUT') }],
      [
        '',
        {
          ...{ method: 'POST', headers: { 'content-type': 'application/fhir+xml' } },
          body: '<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/></Bundle>',
        },
      ],
    ] as const) {
      const { status, refusal, text } = await rig.call(path, how)
      assert.deepEqual([status, refusal], [403, 'interaction_refused'], text)
      assert.match(text, /OperationOutcome/)
    }
    assert.equal(rig.ehr.requests.length, 0)
  })
})
