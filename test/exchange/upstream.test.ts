// The FHIR servers of the registrations: a session has its own or none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outlet } from '../../src/exchange/sinks.ts'
import { createUpstreams } from '../../src/exchange/upstream.ts'
import { defaultProxyLimits } from '../../src/limits.ts'
import type { DocumentKind } from '../../src/proxy/media-type.ts'
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

test('[R14] what is no document passes as it comes, and so does the answer to HEAD, which has no body', async t => {
  const upstreams = createUpstreams([buildRegistration()], defaultProxyLimits)
  t.after(() => upstreams.close())
  const { registration, chooseSink } = upstreams.of({
    session: { ehr: 'general', iss: buildRegistration().iss },
  } as OpenSession)
  assert.equal(registration.rewrite, true)
  const read = (method: string, document: DocumentKind | undefined) => {
    const asked = { method, target: { path: '/Patient/1', query: '' }, ours: '/fhir' }
    const answer = { status: 200, headers: [], document, codings: [] }
    return chooseSink(asked as never, answer as never, {} as Outlet)
  }
  for (const kind of ['json', 'xml'] as const) {
    assert.ok(read('GET', kind), kind)
    assert.equal(read('HEAD', kind), undefined)
  }
  for (const method of ['GET', 'HEAD']) assert.equal(read(method, undefined), undefined)
})
