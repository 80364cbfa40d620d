import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { CompactEncrypt, errors } from 'jose'
import { BrokerError } from '../../../src/errors.ts'
import { type IdTokenCheck, verifyIdToken } from '../../../src/smart/identity/id-token.ts'
import { createKeySet } from '../../../src/smart/identity/jwks.ts'
import { quirksSchema, resolveQuirks } from '../../../src/smart/quirks.ts'
import type { AuthorizationServer, Registration } from '../../../src/smart/types.ts'
import { start } from '../answers.ts'
import { buildClaims, type EhrKey, makeEhrKey, nonce, publish, sign } from '../ehr-keys.ts'
import { buildRegistration } from '../registration.ts'
import { buildServer } from '../server.ts'
import { createStubEhr } from '../stub-ehr.ts'

const rsa = makeEhrKey('rsa', 'RS256')
const ec = makeEhrKey('ec')
const keys = publish([rsa, ec])
const seconds = start / 1000
const accessToken = 'the-access-token'

interface Asked extends Partial<Pick<IdTokenCheck, 'keys'>> {
  registration?: Partial<Registration>
  server?: Partial<AuthorizationServer>
}

async function verify(token: string, asked: Asked = {}) {
  return await verifyIdToken(
    token,
    { nonce, accessToken },
    {
      keys,
      now: () => start,
      ...asked,
      registration: buildRegistration(asked.registration),
      server: buildServer(asked.server),
    },
  )
}

async function refuse(token: string | Promise<string>, asked?: Asked): Promise<void> {
  await assert.rejects(verify(await token, asked), { code: 'bad_id_token', status: 502 })
}

/** A token with any header and signature at all. */
function forge(header: object, claims: object, signature = ''): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode(header)}.${encode(claims)}.${signature}`
}

test('[SC-35] an id_token that holds says who logged in', async () => {
  const claims = buildClaims({
    sid: 's-1',
    fhirUser: 'Practitioner/7',
    name: 'Dr. Who',
    preferred_username: 'who',
    email: 'who@ehr.test',
  })
  assert.deepEqual(await verify(await sign(claims, ec)), {
    iss: 'https://ehr.test/oauth2',
    sub: 'user-1',
    sid: 's-1',
    fhirUser: 'https://ehr.test/fhir/r4/Practitioner/7',
    name: 'Dr. Who',
    preferredUsername: 'who',
    email: 'who@ehr.test',
  })
})

test('[I1, SC-35] refuses none, HMAC under the public key, and algorithms not listed', async () => {
  await refuse(forge({ alg: 'none' }, buildClaims()))
  const text = forge({ alg: 'HS256', kid: 'rsa' }, buildClaims()).slice(0, -1)
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
  await refuse(`${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`)
  await verify(await sign(buildClaims(), rsa), { server: { idTokenSigningAlgs: ['RS256'] } })
  await refuse(sign(buildClaims(), ec), { server: { idTokenSigningAlgs: ['RS256'] } })
  await refuse(sign(buildClaims(), rsa), { server: { idTokenSigningAlgs: ['HS256', 'none'] } })
})

test('[I1] refuses a signature by another key, and an altered token', async () => {
  await refuse(sign(buildClaims(), makeEhrKey('ec')))
  const token = await sign(buildClaims(), ec)
  const [header, , signature] = token.split('.')
  const other = Buffer.from(JSON.stringify(buildClaims({ sub: 'admin' }))).toString('base64url')
  await refuse(`${header}.${other}.${signature}`)
})

test("[I2, L13] the issuer is one of the registration's set, byte for byte", async () => {
  const configured = 'https://ehr.test/oidc/idsps/7/'
  const registration = { issuers: [configured] }
  await verify(await sign(buildClaims({ iss: configured }), ec), { registration })
  for (const iss of [
    'https://ehr.test/oauth2/',
    'https://evil.test',
    configured,
    '',
    7,
    undefined,
  ]) {
    await refuse(sign(buildClaims({ iss }), ec))
  }
})

test('[Q8] one trailing slash of the issuer is overlooked by its quirk alone', async () => {
  const quirks = resolveQuirks({ issuerTrailingSlash: 'ignore' })
  const registration = { quirks, issuers: ['https://ehr.test/b/'] }
  for (const iss of ['https://ehr.test/oauth2/', 'https://ehr.test/oauth2', 'https://ehr.test/b']) {
    await verify(await sign(buildClaims({ iss }), ec), { registration })
  }
  await refuse(sign(buildClaims({ iss: 'https://ehr.test/oauth2//' }), ec), { registration })
})

test("[I2] the audience is us, and others beside us only where they are the EHR's own", async () => {
  const azp = 'fhirstorm'
  await verify(await sign(buildClaims({ aud: ['fhirstorm'] }), ec))
  await verify(await sign(buildClaims({ aud: ['fhirstorm', 'https://ehr.test/fhir/r4'], azp }), ec))
  for (const claims of [
    ...[
      { aud: 'other' },
      { aud: [] },
      { aud: undefined },
      { aud: 7 },
      { aud: 'fhirstorm', azp: 'other' },
    ],
    ...[{ aud: ['fhirstorm', 'other'], azp }, { aud: ['fhirstorm', 'https://ehr.test/fhir/r4'] }],
    { aud: ['fhirstorm', 'https://ehr.test/fhir/r4'], azp: 'other' },
  ]) {
    await refuse(sign(buildClaims(claims), ec))
  }
})

test('[I3] the nonce is ours', async () => {
  for (const other of [undefined, '', 'other', [nonce], null, 7]) {
    await refuse(sign(buildClaims({ nonce: other }), ec))
  }
})

test('[I4] times hold within sixty seconds', async () => {
  for (const claims of [{ exp: seconds - 59 }, { iat: seconds + 59 }, { nbf: seconds + 59 }]) {
    await verify(await sign(buildClaims(claims), ec))
  }
  for (const claims of [
    ...[{ exp: seconds - 61 }, { exp: undefined }, { exp: `${seconds + 300}` }, { exp: null }],
    ...[{ iat: seconds + 61 }, { iat: seconds - 4000 }, { iat: undefined }, { nbf: seconds + 61 }],
  ]) {
    await refuse(sign(buildClaims(claims), ec))
  }
})

test('[I4] a clock that is known to be off may be so by as much as its quirk says, and no more', async () => {
  const registration = { quirks: resolveQuirks({ clockSkewSeconds: 240 }) }
  for (const claims of [{ exp: seconds - 239 }, { iat: seconds + 239 }, { nbf: seconds + 239 }]) {
    await verify(await sign(buildClaims(claims), ec), { registration })
  }
  for (const claims of [{ exp: seconds - 241 }, { iat: seconds + 241 }, { nbf: seconds + 241 }]) {
    await refuse(sign(buildClaims(claims), ec), { registration })
  }
  for (const clockSkewSeconds of [59, 301, 60.5, '120']) {
    assert.equal(quirksSchema.safeParse({ clockSkewSeconds }).success, false)
  }
})

test('[I4] every required claim is required, and `sub` is a short text', async () => {
  for (const name of ['iss', 'sub', 'aud', 'exp', 'iat']) {
    await refuse(sign(buildClaims({ [name]: undefined }), ec))
  }
  for (const sub of ['', 7, {}, 'x'.repeat(257)]) await refuse(sign(buildClaims({ sub }), ec))
})

test('[I5] access tokens and logout tokens are no id_tokens', async () => {
  await verify(await sign(buildClaims(), ec, { typ: 'JWT' }))
  await verify(await sign(buildClaims(), ec, { typ: null }))
  for (const typ of [5, ['JWT'], {}, true]) {
    await refuse(sign(buildClaims(), ec, { typ }))
  }
  for (const typ of ['at+jwt', 'logout+jwt', 'application/at+jwt', '']) {
    await refuse(sign(buildClaims(), ec, { typ }))
  }
})

test('[I6] refuses critical headers, unencoded payloads and encrypted tokens', async () => {
  await refuse(forge({ alg: 'ES384', kid: 'ec', crit: ['x'], x: 1 }, buildClaims(), 'AAAA'))
  await refuse(forge({ alg: 'ES384', kid: 'ec', crit: ['b64'], b64: false }, buildClaims(), 'AAAA'))
  const jwe = await new CompactEncrypt(Buffer.from(await sign(buildClaims(), ec)))
    .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM' })
    .encrypt(rsa.publicKey)
  await refuse(jwe)
  for (const text of ['', '.', '..', 'a.b.c', '....', 'x'.repeat(20_000)]) await refuse(text)
})

test('[I7] keys inside the token are never looked at', async () => {
  const evil = makeEhrKey('ec')
  const jwk = evil.publicKey.export({ format: 'jwk' })
  for (const header of [
    { jwk },
    { jku: 'https://evil.test' },
    { x5u: 'https://evil.test' },
    { x5c: ['AAAA'] },
  ]) {
    await refuse(sign(buildClaims(), evil, header))
  }
})

test('[SC-38] a token without `kid` is tried with each key that could have signed it', async () => {
  const [first, second] = [makeEhrKey('a'), makeEhrKey('b')]
  const unnamed = { keys: publish([first, second], { named: false }) }
  const token = await sign(buildClaims(), second, { kid: undefined })
  assert.equal((await verify(token, unnamed)).sub, 'user-1')
  assert.equal((await verify(await sign(buildClaims(), ec, { kid: undefined }))).sub, 'user-1')
})

test("[I11] of several keys without a name none may be a stranger's", async () => {
  const unnamed = { keys: publish([makeEhrKey('a'), makeEhrKey('b')], { named: false }) }
  await refuse(sign(buildClaims(), makeEhrKey('c'), { kid: undefined }), unnamed)
  const expired = await sign(buildClaims({ exp: 1 }), makeEhrKey('c'), { kid: undefined })
  await refuse(expired, unnamed)
})

test('[I4, G2] of several keys without a name the one that signed says which rule failed', async () => {
  const [first, second] = [makeEhrKey('a'), makeEhrKey('b')]
  const unnamed = { keys: publish([first, second], { named: false }) }
  const expired = await sign(buildClaims({ exp: 1 }), first, { kid: undefined })
  await assert.rejects(verify(expired, unnamed), { code: 'bad_id_token', detail: 'exp' })
})

test('[I8] an unknown key is a refusal; what the key set itself says passes through', async () => {
  await refuse(sign(buildClaims(), ec, { kid: 'unknown' }))
  const throwing = (error: Error) => ({ keys: () => Promise.reject(error) })
  const token = await sign(buildClaims(), ec)
  for (const code of ['bad_jwks', 'issuer_busy'] as const) {
    await assert.rejects(verify(token, throwing(new BrokerError(code))), { code })
  }
  await refuse(token, throwing(new errors.JWKSInvalid()))
  await refuse(token, throwing(new TypeError('odd')))
})

const named = (key: EhrKey, kid?: string) => ({ ...key.publicKey.export({ format: 'jwk' }), kid })

/** A key set as it is used, over the keys that an EHR publishes by and by. */
function createRotated(published: object[][]) {
  const ehr = createStubEhr({
    'https://ehr.test/keys': () => ({
      body: { keys: published[Math.min(ehr.asked.length, published.length) - 1] },
    }),
  })
  const world = { time: start }
  const { fetch } = ehr
  const keys = createKeySet('https://ehr.test/keys', { fetch, now: () => world.time })
  return { ehr, world, keys }
}

test('[Q39] a key exchanged under its name, or without one, is fetched when the old one verifies nothing', async () => {
  const [before, after] = [makeEhrKey('same'), makeEhrKey('same')]
  for (const [kid, old] of [
    ['same', [named(before, 'same')]],
    [undefined, [named(before)]],
    [undefined, [named(before), named(makeEhrKey('same'))]],
    ['unpublished', [named(before)]],
  ] as const) {
    const fresh = kid === 'same' ? [named(after, 'same')] : [named(after)]
    const { ehr, keys } = createRotated([[...old], fresh])
    assert.equal((await verify(await sign(buildClaims(), before, { kid }), { keys })).sub, 'user-1')
    assert.equal(ehr.asked.length, 1)
    assert.equal((await verify(await sign(buildClaims(), after, { kid }), { keys })).sub, 'user-1')
    assert.equal(ehr.asked.length, 2)
  }
})

test('[I8, Q39] forged signatures fetch keys once in thirty seconds, and stay refused', async () => {
  const { ehr, world, keys } = createRotated([[named(ec, 'ec')]])
  await verify(await sign(buildClaims(), ec), { keys })
  const forged = await sign(buildClaims(), makeEhrKey('ec'))
  for (let i = 0; i < 100; i++) await refuse(forged, { keys })
  assert.equal(ehr.asked.length, 2)
  world.time += 30_000
  for (let i = 0; i < 100; i++) await refuse(forged, { keys })
  assert.equal(ehr.asked.length, 3)
  await verify(await sign(buildClaims(), ec), { keys })
})

test('[CF-07] without a key set nothing is verified', async () => {
  const token = await sign(buildClaims(), ec)
  const detail = 'there is no key set'
  await assert.rejects(verify(token, { keys: undefined }), { code: 'bad_id_token', detail })
})

test('[I13] at_hash is that of the access token, where it is there', async () => {
  const half = (bits: 256 | 384) => {
    const digest = createHash(`sha${bits}`).update(accessToken).digest()
    return digest.subarray(0, bits / 16).toString('base64url')
  }
  await verify(await sign(buildClaims({ at_hash: half(384) }), ec))
  await verify(await sign(buildClaims({ at_hash: half(256) }), rsa))
  for (const at_hash of [half(256), 'x', 7, {}]) await refuse(sign(buildClaims({ at_hash }), ec))
})

test('[G2] a refusal says which rule failed and not a word of the token', async () => {
  const token = await sign(buildClaims({ aud: 'other', name: 'LEAK', sub: 'LEAK' }), ec)
  const error = await verify(token).then(
    () => assert.fail('refused'),
    (refusal: BrokerError) => refusal,
  )
  assert.equal(error.detail, 'aud')
  assert.equal(error.cause, undefined)
  assert.ok(!JSON.stringify([error, error.message, error.stack]).includes('LEAK'))
})

test('long or odd claims of a user are left out', async () => {
  const claims = buildClaims({ name: 'x'.repeat(300), email: { a: 1 }, sid: '', fhirUser: 7 })
  const identity = await verify(await sign(claims, ec))
  const { name, email, sid, fhirUser } = identity
  assert.deepEqual(
    { name, email, sid, fhirUser },
    {
      name: undefined,
      email: undefined,
      sid: undefined,
      fhirUser: undefined,
    },
  )
})
