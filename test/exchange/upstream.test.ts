// The FHIR servers of the registrations: a session has its own or none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createUpstreams } from '../../src/exchange/upstream.ts'
import { defaultProxyLimits } from '../../src/limits.ts'
import type { OpenSession } from '../../src/session/session.ts'
import { buildRegistration } from '../plugins/alone.ts'

test('[P14] a session whose EHR is gone or has moved has no upstream', async t => {
  const iss = 'https://ehr.example.org/fhir/r4'
  const registrations = [
    buildRegistration(),
    buildRegistration({ id: 'moved', iss: 'https://other.example.org/fhir' }),
  ]
  const upstreams = createUpstreams(registrations, defaultProxyLimits)
  t.after(() => upstreams.close())
  const of = (ehr: string) => upstreams.of({ session: { ehr, iss } } as OpenSession)
  assert.equal(of('general').registration.id, 'general')
  for (const ehr of ['moved', 'gone', '__proto__']) {
    assert.throws(() => of(ehr), { code: 'session_invalid' }, ehr)
  }
})
