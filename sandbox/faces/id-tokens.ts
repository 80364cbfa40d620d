// Faults and habits of id_tokens, and of the keys that they are verified with.

import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { json } from '../http/answer.ts'
import { notThere } from './answers.ts'
import type { Document, Face } from './face.ts'

const HOUR = 3600

/** A face whose id_tokens have other claims, signed as they should be or as `header` says. */
function claiming(
  name: string,
  about: string,
  change: (claims: Document) => Document,
  header: { alg?: string; kid?: string } = {},
): Face {
  return {
    name,
    about,
    async token(body, call) {
      if (typeof body.id_token !== 'string') return json(body)
      const claims = change(decodeJwt(body.id_token))
      return json({ ...body, id_token: await call.sign(claims, header) })
    },
  }
}

const same = (claims: Document) => claims

const signatures: readonly Face[] = [
  claiming('id-token-alg-none', 'The id_token is not signed.', same, { alg: 'none' }),
  claiming('id-token-hs256', 'The id_token is signed by HMAC with the public key.', same, {
    alg: 'HS256',
  }),
  claiming('id-token-kid', 'The id_token names a key that nobody publishes.', same, {
    kid: 'elsewhere',
  }),
  claiming('id-token-no-kid', 'The id_token names no key.', same, { kid: undefined }),
  {
    name: 'id-token-signature',
    about: 'The signature of the id_token is wrong.',
    token: body => json({ ...body, id_token: spoil(String(body.id_token)) }),
  },
  {
    name: 'id-token-missing',
    about: 'openid is granted, and there is no id_token.',
    token: ({ id_token: _, ...body }) => json(body),
  },
  {
    name: 'id-token-garbage',
    about: 'The id_token is no JWT.',
    token: body => json({ ...body, id_token: 'garbage' }),
  },
]

const claims: readonly Face[] = [
  claiming('id-token-nonce', 'Another nonce.', rest => ({ ...rest, nonce: 'another' })),
  claiming('id-token-no-nonce', 'No nonce.', ({ nonce: _, ...rest }) => rest),
  claiming('id-token-aud', 'For another client.', rest => ({ ...rest, aud: 'another-client' })),
  claiming('id-token-azp', 'For several clients, made for another.', ({ aud, ...rest }) => ({
    ...rest,
    aud: [aud, 'another-client'],
    azp: 'another-client',
  })),
  claiming('id-token-iss', 'By another issuer.', rest => ({
    ...rest,
    iss: 'https://honest.example',
  })),
  claiming('id-token-iss-slash', 'The issuer with a slash at its end.', ({ iss, ...rest }) => ({
    ...rest,
    iss: `${iss}/`,
  })),
  claiming('id-token-expired', 'Over for a day.', rest => ({
    ...rest,
    iat: Number(rest.iat) - 25 * HOUR,
    exp: Number(rest.exp) - 25 * HOUR,
  })),
  claiming('id-token-no-exp', 'Without an end.', ({ exp: _, ...rest }) => rest),
  claiming('id-token-no-sub', 'About nobody.', ({ sub: _, ...rest }) => rest),
  claiming('fhir-user-relative', 'fhirUser is relative.', ({ fhirUser, ...rest }) => ({
    ...rest,
    fhirUser: relative(fhirUser),
  })),
  claiming(
    'fhir-user-profile',
    'No fhirUser, but a relative profile.',
    ({ fhirUser, ...rest }) => ({
      ...rest,
      profile: relative(fhirUser),
    }),
  ),
  claiming('fhir-user-missing', 'Neither fhirUser nor profile.', rest => {
    const { fhirUser: _user, profile: _profile, ...others } = rest
    return others
  }),
  claiming('fhir-user-foreign', 'fhirUser on another host.', rest => ({
    ...rest,
    fhirUser: 'https://evil.example/Practitioner/1',
  })),
  claiming('fhir-user-device', 'fhirUser is a Device.', rest => ({
    ...rest,
    fhirUser: 'Device/infusion-pump',
  })),
]

const keys: readonly Face[] = [
  { name: 'jwks-missing', about: 'No keys where they should be.', jwks: notThere },
  { name: 'jwks-empty', about: 'A key set without keys.', jwks: () => json({ keys: [] }) },
  {
    name: 'jwks-several',
    about: 'Several keys, some of kinds that nobody knows.',
    jwks: ({ keys: own }) => {
      const strange = { kty: 'XYZ', kid: createHash('sha256').update('x').digest('hex') }
      return json({ keys: [strange, { kty: 'oct', k: 'c2VjcmV0' }, ...(own as Document[])] })
    },
  },
]

const sizes: readonly Face[] = [10, 20, 60].map(kilobytes =>
  claiming(
    `id-token-${kilobytes}k`,
    `An id_token of ${kilobytes} KB, most of it groups.`,
    rest => ({
      ...rest,
      groups: Array.from(
        { length: kilobytes * 19 },
        (_, index) => `CN=group-of-the-ehr-with-a-number-${1000 + index}`,
      ),
    }),
  ),
)

export const idTokenFaces: readonly Face[] = [...signatures, ...claims, ...sizes, ...keys]

function relative(fhirUser: unknown): string {
  return String(fhirUser).split('/').slice(-2).join('/')
}

/** Another signature of the same length. */
function spoil(jwt: string): string {
  const [header, payload, signature = ''] = jwt.split('.')
  return `${header}.${payload}.${signature.split('').reverse().join('')}`
}
