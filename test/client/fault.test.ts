// Who refused, and what it means: by the headers of an answer, with its body for the words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, type FaultKind, readFault, readRefusalCode } from '../../client/index.ts'
import { faultCodes } from '../../src/errors.ts'
import { buildOutcome, buildProxyStatus } from '../../src/proxy/outcome.ts'

const outcome = (text: string) =>
  JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [{ code: 'login', details: { text } }],
  })

test('tells the three kinds of 401 of fhirstorm from each other and from one of the EHR', async () => {
  const kinds: [code: Parameters<typeof buildProxyStatus>[0] | undefined, FaultKind, boolean][] = [
    ['session_invalid', 'no-session', true],
    ['session_expired', 'session-ended', true],
    ['upstream_unauthorized', 'token-refused', false],
    [undefined, 'ehr', false],
  ]
  for (const [code, kind, ends] of kinds) {
    const headers: Record<string, string> =
      code === undefined ? {} : { 'proxy-status': buildProxyStatus(code) }
    const fault = await readFault(new Response(outcome('Words.'), { status: 401, headers }))
    assert.ok(fault instanceof Fault && fault instanceof Error)
    assert.deepEqual([fault.kind, fault.endsSession, fault.status], [kind, ends, 401])
    assert.equal(fault.message, 'Words.')
    assert.equal(fault.code, code ?? 'login')
  }
})

test('reads each refusal that fhirstorm can utter, as an outcome and as a problem document', async () => {
  for (const code of faultCodes) {
    const headers = { 'proxy-status': buildProxyStatus(code), 'retry-after': '7' }
    const { body } = buildOutcome(code, undefined, '/')
    const problem = JSON.stringify({ title: 'Words.', code })
    for (const text of [body, problem]) {
      const fault = await readFault(new Response(text, { status: 503, headers }))
      assert.equal(fault.code, code)
      assert.notEqual(fault.kind, 'ehr')
      assert.equal(fault.retryAfterSeconds, 7)
      assert.ok(fault.message.length > 5)
    }
  }
})

test('other proxies in the same header change nothing, and none of them is taken for fhirstorm', () => {
  const read = (value: string) => readRefusalCode(new Headers({ 'proxy-status': value }))
  const ours = buildProxyStatus('session_invalid')
  assert.equal(read(`edge; received-status=401, ${ours}`), 'session_invalid')
  assert.equal(read(`${ours}, edge`), 'session_invalid')
  assert.equal(read('fhirstormy; error=x; details="session_invalid"'), undefined)
  assert.equal(read('edge; next-hop="fhirstorm; x"'), undefined)
  assert.equal(read('fhirstorm; error=http_request_error'), 'unknown')
})

test('an answer without words, in XML or cut off, is a fault all the same', async () => {
  for (const body of ['', '<OperationOutcome/>', '{"issue":[', '[]', 'null']) {
    const fault = await readFault(new Response(body, { status: 502 }))
    assert.equal(fault.message, 'The answer was 502 without further words.')
    assert.deepEqual([fault.kind, fault.status, fault.code], ['ehr', 502, undefined])
  }
})
