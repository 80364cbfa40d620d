import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, sign as signNow } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { resolveQuirks } from '../../../src/smart/quirks.ts'
import {
  buildAssertion,
  buildBasic,
  buildClientAuth,
  lintClientAuth,
} from '../../../src/smart/token/client-auth.ts'
import { parseClientKeys } from '../../../src/smart/token/client-keys.ts'
import { parseRemoteKeys } from '../../../src/smart/token/remote-keys.ts'
import type { AuthorizationServer, ClientKey, Registration } from '../../../src/smart/types.ts'
import { buildRegistration } from '../registration.ts'
import { buildServer } from '../server.ts'

const start = 1_800_000_000_000
const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
}
const setOf = (half: 'privateKey' | 'publicKey') =>
  JSON.stringify({
    keys: Object.entries(pairs).map(([kid, pair]) => ({
      ...pair[half].export({ format: 'jwk' }),
      kid,
    })),
  })
/** The same two keys: of a file, and of a signer that knows them alone. */
const keysByPlace = {
  'keys of a file': await parseClientKeys(setOf('privateKey')),
  'keys of a signer': await parseRemoteKeys(setOf('publicKey'), async (input, { kid }) =>
    signNow('sha384', input, pairs[kid as keyof typeof pairs].privateKey),
  ),
}
const keys = keysByPlace['keys of a file']

async function authenticate(
  registration: Partial<Registration>,
  server: Partial<AuthorizationServer> = {},
): Promise<{ body: URLSearchParams; headers: Headers }> {
  const source = { now: () => start, randomBytes }
  const described = buildServer(server)
  const authentication = buildClientAuth(buildRegistration(registration), described, source)
  const body = new URLSearchParams({ grant_type: 'authorization_code' })
  const headers = new Headers()
  await authentication({ issuer: described.issuer }, { client_id: 'x' }, body, headers)
  return { body, headers }
}

const withKeys = (alg?: 'RS384' | 'ES384') =>
  ({ clientAuth: { method: 'private_key_jwt', keys, alg } }) as const

test("[SY-01, AL-38, AL-40] Basic is the IG's example, and nothing is in the body", async () => {
  const clientAuth = { method: 'client_secret_basic', secret: 'my-app-secret-123' } as const
  const { body, headers } = await authenticate({ clientId: 'my-app', clientAuth })
  assert.equal(headers.get('authorization'), 'Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz')
  assert.equal(body.toString(), 'grant_type=authorization_code')
})

test('[Q4, T10] Basic is form-encoded, and raw by its quirk alone', () => {
  const decode = (basic: string) => Buffer.from(basic.slice(6), 'base64').toString()
  assert.equal(
    decode(buildBasic('a:b', "c %+ü&!*()'", 'form')),
    'a%3Ab:c+%25%2B%C3%BC%26%21%2A%28%29%27',
  )
  assert.equal(decode(buildBasic('a', 'c %+ü', 'raw')), 'a:c %+ü')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (id, secret) => {
      const [encodedId = '', encodedSecret = '', ...more] = decode(
        buildBasic(id, secret, 'form'),
      ).split(':')
      const form = new URLSearchParams(`id=${encodedId}&secret=${encodedSecret}`)
      assert.deepEqual([form.get('id'), form.get('secret'), more.length], [id, secret, 0])
    }),
  )
})

test('[Q4] form and raw are the same for unreserved characters, as in every UUID', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9._~-]{1,60}$/), secret => {
      assert.equal(buildBasic(secret, secret, 'form'), buildBasic(secret, secret, 'raw'))
    }),
  )
})

test('[Q11] the secret goes into the body where the registration says so', async () => {
  const clientAuth = { method: 'client_secret_post', secret: 's&=+' } as const
  const { body, headers } = await authenticate({ clientAuth })
  assert.deepEqual(Object.fromEntries(body), {
    grant_type: 'authorization_code',
    client_id: 'fhirstorm',
    client_secret: 's&=+',
  })
  assert.equal(headers.has('authorization'), false)
})

test('[AL-45, Q11] client_id stays out of the body, but for the quirk', async () => {
  assert.equal((await authenticate({})).body.has('client_id'), false)
  assert.equal((await authenticate(withKeys())).body.has('client_id'), false)
  const quirks = resolveQuirks({ includeClientIdInBody: true })
  for (const registration of [{ quirks }, { ...withKeys(), quirks }]) {
    assert.deepEqual((await authenticate(registration)).body.getAll('client_id'), ['fhirstorm'])
  }
})

for (const [place, keys] of Object.entries(keysByPlace)) {
  describe(place, () => {
    const withKeys = (alg?: 'RS384' | 'ES384') =>
      ({ clientAuth: { method: 'private_key_jwt', keys, alg } }) as const

    async function signFor(
      registration: Partial<Registration> = {},
      server?: Partial<AuthorizationServer>,
    ) {
      const { body } = await authenticate({ ...withKeys(), ...registration }, server)
      return body.get('client_assertion') ?? assert.fail('no assertion')
    }

    test('[AS-30, AS-31, AS-17] an assertion goes with its fixed type and no Basic', async () => {
      const { body, headers } = await authenticate(withKeys())
      assert.equal(
        body.get('client_assertion_type'),
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      )
      assert.equal(headers.has('authorization'), false)
      assert.equal(decodeJwt(body.get('client_assertion') ?? '').sub, 'fhirstorm')
    })

    test('[AS-21, AS-22, AS-23] the header says alg, kid and typ, and no jku unless registered', async () => {
      assert.deepEqual(decodeProtectedHeader(await signFor()), {
        alg: 'RS384',
        kid: 'rsa',
        typ: 'JWT',
      })
    })

    test('[AS-24] jku is exactly the registered address', async () => {
      const quirks = resolveQuirks({ assertionJku: 'https://app.test/.well-known/jwks.json' })
      const header = decodeProtectedHeader(await signFor({ quirks }))
      assert.equal(header.jku, 'https://app.test/.well-known/jwks.json')
    })

    test('[AS-25, AS-26, AS-27] client, client, and the token URL byte for byte as one string', async () => {
      for (const tokenEndpoint of ['https://ehr.test:443/token', 'https://EHR.test/token?a=b']) {
        const { iss, sub, aud } = decodeJwt(await signFor({}, { tokenEndpoint }))
        assert.deepEqual(
          { iss, sub, aud },
          { iss: 'fhirstorm', sub: 'fhirstorm', aud: tokenEndpoint },
        )
      }
    })

    test('[L19, AS-27] `aud` follows the server at hand, and is another by its quirk alone', async () => {
      const quirks = resolveQuirks({ assertionAudience: 'https://ehr.test' })
      assert.equal(decodeJwt(await signFor({ quirks })).aud, 'https://ehr.test')
    })

    test('[AS-28] an assertion lives two minutes', async () => {
      const { iat, exp } = decodeJwt(await signFor())
      assert.deepEqual([iat, exp], [start / 1000, start / 1000 + 120])
    })

    test('[AS-19, AS-29] every request has a name of its own, of 128 random bits', async () => {
      const names = new Set<unknown>()
      for (let i = 0; i < 50; i++) {
        const { jti } = decodeJwt(await signFor(withKeys('ES384')))
        assert.match(String(jti), /^[A-Za-z0-9_-]{22}$/)
        names.add(jti)
      }
      assert.equal(names.size, 50)
    })

    test('[AS-20, AS-11] both algorithms verify under the published keys, ES384 as raw r and s', async () => {
      for (const [alg, key] of [
        ['RS384', keys[0] as ClientKey],
        ['ES384', keys[1] as ClientKey],
      ] as const) {
        const assertion = await signFor(withKeys(alg))
        const publicKey = await importJWK({ ...key.publicJwk })
        await jwtVerify(assertion, publicKey, { currentDate: new Date(start), algorithms: [alg] })
        const signature = Buffer.from(assertion.split('.')[2] ?? '', 'base64url')
        assert.equal(signature.length, alg === 'ES384' ? 96 : 256)
      }
    })

    test('[AS-32] signs with what the server lists, and refuses when it lists nothing that we have', async () => {
      const listing = (...algs: string[]) => ({ tokenEndpointAuthSigningAlgs: algs })
      const algOf = async (server?: Partial<AuthorizationServer>) =>
        decodeProtectedHeader(await signFor({}, server)).alg
      assert.equal(await algOf(), 'RS384')
      assert.equal(await algOf(listing('ES384')), 'ES384')
      assert.equal(await algOf(listing('ES384', 'RS384')), 'RS384', 'our order decides')
      assert.equal(
        decodeProtectedHeader(await signFor(withKeys('ES384'), listing('RS384'))).alg,
        'ES384',
      )
      await assert.rejects(algOf(listing('RS256', 'PS512')), { code: 'client_auth_failed' })
      await assert.rejects(algOf(listing()), { code: 'client_auth_failed' })
    })
  })
}

test('[AL-39, SY-02, CF-09] advises on methods that the server does not list, and on better ones', () => {
  const basic = { method: 'client_secret_basic', secret: 's' } as const
  const listing = (...methods: string[]) => buildServer({ tokenEndpointAuthMethods: methods })
  assert.deepEqual(lintClientAuth(basic, buildServer()), [])
  assert.deepEqual(lintClientAuth(basic, listing('client_secret_basic')), [])
  assert.match(lintClientAuth(basic, listing('client_secret_post')).join(), /does not list/)
  const both = listing('client_secret_basic', 'private_key_jwt')
  assert.match(lintClientAuth(basic, both).join(), /private_key_jwt, which is safer/)
  assert.deepEqual(lintClientAuth({ method: 'private_key_jwt', keys }, both), [])
})

test('[AS-19] without a key of ours nothing is signed', async () => {
  const source = { now: () => start, randomBytes }
  await assert.rejects(buildAssertion(buildRegistration(), buildServer(), source), {
    message: 'no key to sign with',
  })
})
