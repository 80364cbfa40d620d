import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJsonObject } from '../../../src/smart/json.ts'
import { resolveQuirks } from '../../../src/smart/quirks.ts'
import type { ServerAnswer } from '../../../src/smart/token/server-call.ts'
import {
  chooseLifetimeMs,
  parseTokenResponse,
  readTokenError,
} from '../../../src/smart/token/token-response.ts'
import type { Quirks } from '../../../src/smart/types.ts'

const good = { access_token: 'at', token_type: 'Bearer', scope: 'openid', expires_in: 3600 }
const bad = { code: 'bad_token_response', status: 502 }

function answer(body: unknown, status = 200): ServerAnswer {
  const bytes =
    body instanceof Uint8Array
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return { status, document: parseJsonObject(bytes) }
}

const parse = (body: unknown, quirks?: Partial<Quirks>, status?: number) =>
  parseTokenResponse(answer(body, status), resolveQuirks(quirks))

test('[AL-46] an answer with the three members holds', () => {
  const { accessToken, lifetimeMs, scope, refreshToken, idToken } = parse(good)
  assert.deepEqual(
    { accessToken, lifetimeMs, scope, refreshToken, idToken },
    {
      accessToken: 'at',
      lifetimeMs: 3_600_000,
      scope: 'openid',
      refreshToken: undefined,
      idToken: undefined,
    },
  )
})

test('[T4, AL-46, Q14] token_type is Bearer in any case, and nothing else', () => {
  for (const token_type of ['bearer', 'BEARER', 'Bearer']) parse({ ...good, token_type })
  for (const token_type of ['mac', 'DPoP', '', null, ['Bearer'], 7, 'Bearer ', undefined]) {
    assert.throws(() => parse({ ...good, token_type }), bad, String(token_type))
  }
  parse({ ...good, token_type: undefined }, { tokenTypeOptional: true })
  parse({ ...good, token_type: 'BearerToken' }, { tokenTypeOptional: true })
  assert.throws(() => parse({ ...good, token_type: 'BearerToken' }), bad)
  assert.throws(() => parse({ ...good, token_type: 'mac' }, { tokenTypeOptional: true }), bad)
})

test('[T5] access tokens that no header could carry are refused', () => {
  const tokens = ['', ' ', 'a b', 'a\r\nX: y', 'a\u0000', 'ü', 7, {}, ['a'], null, undefined, true]
  for (const access_token of [...tokens, 'x'.repeat(1_000_000)]) {
    assert.throws(() => parse({ ...good, access_token }), bad, String(access_token).slice(0, 20))
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), access_token => {
      try {
        const { accessToken } = parse({ ...good, access_token })
        new Headers({ authorization: `Bearer ${accessToken}` })
        assert.match(accessToken, /^[\x21-\x7e]+$/)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'bad_token_response')
      }
    }),
  )
})

test('[Q10] an access token is whatever the EHR says, opaque or not', () => {
  for (const access_token of [
    'x',
    'eyJhbGciOiJub25lIn0.e30.',
    '~!@#$%^&*()_+|"\\',
    'a.b.c.d.e.f',
  ]) {
    assert.equal(parse({ ...good, access_token }).accessToken, access_token)
  }
})

test('[AL-48, Q6, T6] a lifetime is clamped, and none is made up where it says nothing', () => {
  const lifetime = (expires_in: unknown) => {
    const { lifetimeMs } = parse({ ...good, expires_in })
    return lifetimeMs === undefined ? undefined : lifetimeMs / 1000
  }
  for (const [given, seconds] of [
    [570, 570],
    ['3600', 3600],
    ['3599.98', 3599],
    [59.9, 59],
    [1, 1],
    [1e308, 604_800],
    ['999999999999999', 604_800],
  ]) {
    assert.equal(lifetime(given), seconds, `${given}`)
  }
  for (const none of [
    undefined,
    null,
    0,
    -1,
    '0',
    '-5',
    '1h',
    '',
    ' 60',
    '1e3',
    {},
    [60],
    true,
    0.5,
  ]) {
    assert.equal(lifetime(none), undefined, JSON.stringify(none))
  }
  assert.equal(chooseLifetimeMs({ isRenewable: true }), 300_000)
  assert.equal(chooseLifetimeMs({ isRenewable: false }), 604_800_000)
  assert.equal(
    parse('{"access_token":"a","token_type":"bearer","expires_in":1e999}').lifetimeMs,
    604_800_000,
  )
})

test('[T7, Q5] a scope is a text, empty or absent, and kept as it was granted', () => {
  const scopeOf = (scope: unknown, quirks?: Partial<Quirks>) =>
    parse({ ...good, scope }, quirks).scope
  assert.equal(scopeOf(undefined), undefined)
  assert.equal(scopeOf(''), undefined)
  assert.equal(scopeOf('  b   a b '), 'b a')
  for (const scope of [['a', 'b'], 7, {}, 'a\u0000b', 'ü', 'x'.repeat(20_000)]) {
    assert.throws(() => scopeOf(scope), bad)
  }
  assert.equal(scopeOf(['a', 'b c'], { scopeArray: 'join' }), 'a b c')
  assert.throws(() => scopeOf(['a', 7], { scopeArray: 'join' }), bad)
})

test('refresh_token and id_token are texts or absent', () => {
  const full = parse({ ...good, refresh_token: 'r t', id_token: 'a.b.c' })
  assert.deepEqual([full.refreshToken, full.idToken], ['r t', 'a.b.c'])
  for (const name of ['refresh_token', 'id_token']) {
    for (const value of [7, {}, 'a\nb', 'x'.repeat(70_000)]) {
      assert.throws(() => parse({ ...good, [name]: value }), bad, `${name} ${value}`)
    }
  }
})

test('[Q31] null and empty members are absent, whichever they are; a missing token is missed', () => {
  const names = ['refresh_token', 'id_token', 'scope', 'expires_in', 'patient', 'error', 'x']
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...names), fc.constantFrom(null, ''), { maxKeys: 7 }),
      members => {
        const { access_token, token_type } = good
        const { members: _members, ...read } = parse({ access_token, token_type, ...members })
        const { members: _plain, ...plain } = parse({ access_token, token_type })
        assert.deepEqual(read, plain)
        for (const optional of ['refuse', 'drop'] as const) {
          const lacking = answer({ ...good, access_token: null, ...members })
          assert.throws(() => parseTokenResponse(lacking, resolveQuirks(), { optional }), bad)
        }
      },
    ),
  )
})

test('[Q31] a usable access token outlives whatever stands in an optional member, where it is told to', () => {
  const name = fc.constantFrom('refresh_token', 'id_token', 'scope', 'expires_in', 'patient')
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), members => {
      const read = parseTokenResponse(answer({ ...good, ...members }), resolveQuirks(), {
        optional: 'drop',
      })
      assert.equal(read.accessToken, 'at')
      for (const token of [read.refreshToken, read.idToken]) {
        assert.ok(token === undefined || /^[\x20-\x7e]+$/.test(token))
      }
    }),
  )
})

test('[Q33] id_tokens may be as long as the answer, other tokens not', () => {
  const long = 'x'.repeat(40_000)
  assert.equal(parse({ ...good, id_token: long }).idToken, long)
  assert.throws(() => parse({ ...good, access_token: long }), bad)
})

test('[T1] refuses what is no JSON object of a token, whatever it is', () => {
  for (const body of [
    ...[
      '',
      '<html>',
      '{"access_token":"a"',
      '[]',
      '"at"',
      'null',
      '{} {}',
      '{"access_token":"a",}',
    ],
    Buffer.from(JSON.stringify(good), 'utf16le'),
    Buffer.concat([Buffer.from(JSON.stringify(good)), Buffer.from([0xff])]),
    '['.repeat(60_000),
  ]) {
    assert.throws(() => parse(body), bad)
  }
  for (const status of [202, 204, 302, 400, 404, 500]) {
    assert.throws(() => parse(good, {}, status), bad, `${status}`)
  }
})

test('201 holds by its quirk alone', () => {
  assert.throws(() => parse(good, {}, 201), bad)
  assert.equal(parse(good, { createdStatus: 'accept' }, 201).accessToken, 'at')
})

test('[T9] hostile names harm nothing, and a name twice is refused', () => {
  const text = (extra: string) => `{"access_token":"a","token_type":"bearer",${extra}}`
  assert.throws(() => parse(text('"__proto__":{"patient":"evil"}')), bad)
  assert.throws(() => parse(text('"access_token":"b"')), bad)
  const { members } = parse(text('"constructor":"x","toString":"y","hasOwnProperty":1'))
  assert.equal(members.get('patient'), undefined)
  assert.equal(({} as Record<string, unknown>).patient, undefined)
})

test('[Q14] an error is read whatever the status, and whatever stands beside it', () => {
  for (const status of [200, 400, 401, 500]) {
    const body = { error: 'invalid_grant', expires_in: 0, access_token: 'at' }
    assert.equal(readTokenError(answer(body, status)), 'invalid_grant')
  }
  for (const error of [null, '', 7, {}])
    assert.equal(readTokenError(answer({ ...good, error })), undefined)
  assert.equal(readTokenError(answer('<html>', 500)), undefined)
})
