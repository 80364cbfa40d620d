import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJwt, SignJWT } from 'jose'
import {
  buildLaunchId,
  buildSignedState,
  LAUNCH_LIFETIME_SECONDS,
  packLaunch,
  parseOpaqueState,
  type StateKeys,
  unpackLaunch,
  verifySignedState,
} from '../../../src/smart/launch/state.ts'

const start = 1_800_000_000_000
const audience = 'https://app.test'

function buildKeys(overrides: Partial<StateKeys> = {}): StateKeys {
  return { keys: [Buffer.alloc(32, 1)], audience, now: () => start, ...overrides }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Any header and payload, signed like ours: what a holder of the key could make. */
function forge(header: object, payload: object, key: Uint8Array = Buffer.alloc(32, 1)): string {
  const text = `${encode(header)}.${encode(payload)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

const seconds = start / 1000
const header = { alg: 'HS256', typ: 'fhirstorm-state+jwt' }
const payload = { jti: 'x'.repeat(22), aud: audience, iat: seconds, exp: seconds + 600 }

async function refuse(state: string, keys = buildKeys(), code = 'state_invalid'): Promise<void> {
  await assert.rejects(verifySignedState(state, keys), { code })
}

test('a signed state says its name and its end', async () => {
  const jti = randomBytes(16).toString('base64url')
  const state = await buildSignedState(jti, buildKeys())
  const verified = await verifySignedState(state, buildKeys())
  assert.deepEqual(verified, { jti, expiresAt: start + LAUNCH_LIFETIME_SECONDS * 1000 })
  assert.deepEqual(await verifySignedState(forge(header, payload), buildKeys()), {
    jti: payload.jti,
    expiresAt: start + 600_000,
  })
})

test('[S10] a signed state has nothing in it to read', async () => {
  const state = await buildSignedState('random-name', buildKeys())
  assert.deepEqual(Object.keys(decodeJwt(state)).sort(), ['aud', 'exp', 'iat', 'jti'])
})

test('[S1] refuses random, altered, cut and oversized states', async () => {
  const state = await buildSignedState('name', buildKeys())
  await fc.assert(fc.asyncProperty(fc.string(), async text => await refuse(text)))
  await fc.assert(
    fc.asyncProperty(
      fc.nat(state.length - 2),
      fc.constantFrom('A', 'z', '9', '_'),
      async (at, to) => {
        if (state[at] !== to) await refuse(state.slice(0, at) + to + state.slice(at + 1))
      },
    ),
  )
  await refuse(state.slice(0, -1))
  await refuse(`${state}A`)
  await refuse(`${state.replace('.', `.${'A'.repeat(100_000)}`)}`)
})

test('[S2] refuses a state past its ten minutes, and one that was made in the future', async () => {
  const state = await buildSignedState('name', buildKeys())
  const at = (now: number) => buildKeys({ now: () => now })
  await verifySignedState(state, at(start + 599_000))
  await refuse(state, at(start + 601_000), 'state_expired')
  await refuse(state, at(start - 2000))
})

test('[S6] takes one algorithm and one type, and looks at no key inside', async () => {
  const none = `${encode({ ...header, alg: 'none' })}.${encode(payload)}.`
  await refuse(none)
  await refuse(`${none}${'A'.repeat(43)}`)
  for (const altered of [
    ...[{ typ: 'JWT' }, { typ: undefined }, { typ: 'logout+jwt' }, { kid: "1' OR 1=1" }],
    ...[
      { kid: '../../etc/passwd' },
      { jwk: { kty: 'oct', k: 'AAAA' } },
      { jku: 'https://evil.test' },
    ],
    ...[
      { x5u: 'https://evil.test' },
      { crit: ['exp'] },
      { b64: false, crit: ['b64'] },
      { zip: 'DEF' },
    ],
    ...[{ alg: 'HS384' }, { alg: 'None' }, { alg: 'RS256' }],
  ]) {
    await refuse(forge({ ...header, ...altered }, payload))
  }
})

test('[S6] refuses another HMAC under the very same key', async () => {
  for (const alg of ['HS384', 'HS512']) {
    const signed = new SignJWT(payload).setProtectedHeader({ ...header, alg })
    await refuse(await signed.sign(Buffer.alloc(64, 1)), buildKeys({ keys: [Buffer.alloc(64, 1)] }))
  }
})

test('[S6] refuses what another key signed, a public one included', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))
  await refuse(forge(header, payload, Buffer.alloc(32, 2)))
  await refuse(forge(header, payload, pem))
  await refuse(forge(header, payload, Buffer.alloc(0)))
})

test('[S7] refuses other JWTs of ours and of the EHR', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (const typ of ['JWT', 'logout+jwt']) {
    const jwt = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', typ })
      .sign(privateKey)
    await refuse(jwt)
  }
  await refuse(forge(header, { ...payload, aud: 'https://other.test' }))
})

test('[S8] refuses a state without each of its members, or with one more', async () => {
  for (const name of ['exp', 'iat', 'jti', 'aud']) {
    const { [name]: _gone, ...rest } = { ...payload } as Record<string, unknown>
    await refuse(forge(header, rest))
  }
  await refuse(forge(header, { ...payload, sub: 'somebody' }))
  await refuse(forge(header, { ...payload, jti: 7 }))
  const code = 'state_expired'
  await refuse(forge(header, { ...payload, iat: seconds - 601 }), buildKeys(), code)
})

test('[S11] an old key verifies while it is in the ring, and not after', async () => {
  const old = Buffer.alloc(32, 7)
  const fresh = Buffer.alloc(32, 8)
  const state = await buildSignedState('name', buildKeys({ keys: [old] }))
  await verifySignedState(state, buildKeys({ keys: [fresh, old] }))
  await refuse(state, buildKeys({ keys: [fresh] }))
  const expired = buildKeys({ keys: [fresh, old], now: () => start + 700_000 })
  await refuse(state, expired, 'state_expired')
})

test('an opaque state is 256 random bits or refused', () => {
  const state = randomBytes(32).toString('base64url')
  assert.equal(parseOpaqueState(state), state)
  for (const bad of ['', 'x', `${state}=`, `${state}A`, state.slice(1), `${state.slice(1)}+`]) {
    assert.throws(() => parseOpaqueState(bad), { code: 'state_invalid' })
  }
})

test('a launch id names a state in 128 bits', async () => {
  assert.match(await buildLaunchId('a'), /^[A-Za-z0-9_-]{22}$/)
  assert.notEqual(await buildLaunchId('a'), await buildLaunchId('b'))
})

const word = fc.stringMatching(/^[!-~]{1,60}$/)

test('a pending launch comes out of its text as it went in', () => {
  const name = { launchId: 'l', jti: 'j', expiresAt: 1 }
  const launches = fc.record(
    {
      ehr: word,
      kind: fc.constantFrom('ehr' as const, 'standalone' as const),
      iss: word,
      codeVerifier: word,
      nonce: word,
      redirectUri: word,
      returnTo: word,
    },
    { requiredKeys: ['ehr', 'kind', 'iss', 'codeVerifier', 'redirectUri', 'returnTo'] },
  )
  fc.assert(
    fc.property(launches, launch => {
      const defined = Object.fromEntries(Object.entries(launch).filter(([, value]) => value))
      assert.deepEqual(unpackLaunch(packLaunch(launch), name), { ...defined, ...name })
    }),
  )
  for (const bad of ['', 'a b c', 'e other i v n u /', 'e ehr i v n u / more', 'e ehr  v n u /']) {
    assert.equal(unpackLaunch(bad, name), undefined, bad)
  }
  const whole = ['e', 'ehr', 'i', 'v', 'n', 'u', '/']
  assert.ok(unpackLaunch(whole.join(' '), name))
  for (const [at, field] of whole.entries()) {
    const without = unpackLaunch(whole.with(at, '').join(' '), name)
    assert.equal(without === undefined, field !== 'n', field)
  }
})

test('[S11] without a key no state is made', async () => {
  await assert.rejects(buildSignedState('name', buildKeys({ keys: [] })), /a state key is needed/)
})
