// What fhirstorm states about one session for an app's own API: a short ES256 JWT, kept until half its life, so
// that most requests cost no signature. It opens nothing here. The keys and the time are passed in (RFC 7519,
// RFC 9068 in spirit).

import { SignJWT } from 'jose'
import { createBoundedMap } from '../bounded-map.ts'
import type { SigningKey } from '../signing-keys.ts'
import type { OpenSession } from './session.ts'

/** One of the app's own servers. */
export interface Api {
  id: string
  /** `aud` of its assertions. */
  audience: string
}

export interface AssertionsOptions {
  /** ES256 keys, the one in use first. */
  signingKeys: readonly SigningKey[]
  /** `iss`: our public URL. */
  issuer: string
  /** Milliseconds since the epoch. */
  now: () => number
  /** Where the user's FHIR address lies for whoever reads it. */
  moveFhirUser: (open: OpenSession) => string | undefined
}

const LIFETIME_SECONDS = 60
const MAX_KEPT_BYTES = 8 * 1024 * 1024

interface Kept {
  text: string
  generation: number
  /** Until half its life. */
  until: number
}

/** Makes the function that gives the assertion about a session for one API. */
export function createAssertions({ signingKeys, issuer, now, moveFhirUser }: AssertionsOptions) {
  const kept = createBoundedMap<Kept>(MAX_KEPT_BYTES, ({ text }) => text.length)
  const [key] = signingKeys
  if (key === undefined) throw new Error('assertions need a signing key')

  return function assertionOf(open: OpenSession, api: Api): string | Promise<string> {
    const name = `${open.recordId} ${api.id}`
    const known = kept.get(name)
    const time = now()
    if (known !== undefined && known.until > time && known.generation === open.generation) {
      return known.text
    }
    return sign(open, api, name, time)
  }

  async function sign(open: OpenSession, api: Api, name: string, time: number): Promise<string> {
    const { session, generation } = open
    const { context, identity, grantedScope } = session.tokens
    const issuedAt = Math.floor(time / 1000)
    const text = await new SignJWT({
      ...{ sid: session.id, ehr: session.ehr, scope: grantedScope },
      ...{ patient: context.patient, encounter: context.encounter, fhirUser: moveFhirUser(open) },
    })
      .setProtectedHeader({ alg: 'ES256', kid: (key as SigningKey).kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setSubject(identity?.sub ?? `session:${session.id}`)
      .setAudience(api.audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + LIFETIME_SECONDS)
      .sign((key as SigningKey).privateKey)
    kept.set(name, { text, generation, until: time + (LIFETIME_SECONDS / 2) * 1000 })
    return text
  }
}
