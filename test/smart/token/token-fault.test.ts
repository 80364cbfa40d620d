import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJsonObject } from '../../../src/smart/json.ts'
import type { ServerAnswer } from '../../../src/smart/token/server-call.ts'
import { findTokenFault, judgeRenewalRefusal } from '../../../src/smart/token/token-fault.ts'
import { buildRegistration } from '../registration.ts'

const good = { access_token: 'at', token_type: 'Bearer', scope: 'openid', expires_in: 3600 }

function answer(body: unknown, status = 200): ServerAnswer {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return { status, document: parseJsonObject(bytes) }
}

test('[AS-33, T10, F5] faults are sorted into ours, passing and lasting', () => {
  const codes = { passing: 'issuer_busy', lasting: 'token_refused' } as const
  const table: [body: unknown, status: number, code: string | undefined][] = [
    [good, 200, undefined],
    ['<html>', 404, undefined],
    [{ error: 'invalid_client' }, 401, 'client_auth_failed'],
    [{ error: 'unauthorized_client' }, 400, 'client_auth_failed'],
    ['', 401, 'client_auth_failed'],
    [{ error: 'invalid_grant' }, 400, 'token_refused'],
    [{ error: 'invalid_grant' }, 500, 'token_refused'],
    [{ error: 'made_up' }, 400, 'token_refused'],
    [{ error: 'temporarily_unavailable' }, 400, 'issuer_busy'],
    ['<html>', 503, 'issuer_busy'],
    ['', 500, 'issuer_busy'],
    [{ error: 'slow_down' }, 429, 'issuer_busy'],
  ]
  for (const [body, status, code] of table) {
    assert.equal(
      findTokenFault(answer(body, status), codes)?.code,
      code,
      `${JSON.stringify(body)} ${status}`,
    )
  }
})

test('a fault keeps Retry-After and known error words, and nothing else of the answer', () => {
  const codes = { passing: 'issuer_busy', lasting: 'token_refused' } as const
  const busy = findTokenFault({ ...answer('', 429), retryAfterSeconds: 17 }, codes)
  assert.equal(busy?.retryAfterSeconds, 17)
  const body = { error: 'leak-me', error_description: 'leak-me' }
  const refused = findTokenFault(answer(body, 400), codes)
  assert.ok(!JSON.stringify([refused, refused?.message, refused?.detail]).includes('leak-me'))
})

test('[Q30] a refused renewal is judged by what waiting can change', () => {
  const later = [408, 425, 429]
  const errors = fc.oneof(
    fc.constantFrom(
      ...['invalid_request', 'invalid_scope', 'interaction_required', 'access_denied'],
      ...['unauthorized_client', 'unsupported_grant_type', 'urn:ehr.example:revoked'],
    ),
    fc.string({ minLength: 1 }).filter(text => !/^(invalid_|temporarily|slow_|server_)/.test(text)),
  )
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 599 }), fc.option(errors), (status, error) => {
      const body = error === null ? '<html>' : { error, error_description: 'x' }
      const refusal = judgeRenewalRefusal(answer(body, status))
      if (later.includes(status)) return assert.equal(refusal, undefined)
      if (status < 500) return assert.equal(refusal?.isPlain, error !== null, `${status}`)
      if (error === null) assert.equal(refusal, undefined)
    }),
  )
  for (const status of [200, 400, 401, 429, 500]) {
    const refusal = judgeRenewalRefusal(answer({ error: 'invalid_grant' }, status))
    assert.deepEqual(refusal, { isPlain: true, detail: 'invalid_grant' })
    for (const error of ['temporarily_unavailable', 'slow_down', 'server_error']) {
      assert.equal(judgeRenewalRefusal(answer({ error }, status)), undefined)
    }
    assert.equal(judgeRenewalRefusal(answer({ error: 'invalid_client' }, status)), undefined)
  }
  assert.equal(judgeRenewalRefusal(answer(good)), undefined)
  assert.equal(judgeRenewalRefusal({ ...answer('', 401), asksForBasic: true }), undefined)
})

test('[Q43] a refused password with reserved characters points at the other encoding', () => {
  const codes = { passing: 'issuer_busy', lasting: 'token_refused' } as const
  const hint = (secret: string, basicEncoding: 'form' | 'raw' = 'form') => {
    const plain = buildRegistration()
    const registration = {
      ...plain,
      clientAuth: { method: 'client_secret_basic', secret } as const,
      quirks: { ...plain.quirks, basicEncoding },
    }
    return findTokenFault(answer({ error: 'invalid_client' }, 401), codes, registration)?.detail
  }
  for (const secret of ['a+b', 'a/b==', 'ä', 'a b', 'a%b', "a'b"]) {
    assert.match(hint(secret) ?? '', /basicEncoding: raw$/)
    assert.match(hint(secret, 'raw') ?? '', /basicEncoding: form$/)
  }
  assert.doesNotMatch(hint('a-b_c.d~e') ?? '', /basicEncoding/)
  const posted = buildRegistration({ clientAuth: { method: 'client_secret_post', secret: 'a+b' } })
  const refused = findTokenFault(answer({ error: 'invalid_client' }, 401), codes, posted)
  assert.doesNotMatch(refused?.detail ?? '', /basicEncoding/)
})
