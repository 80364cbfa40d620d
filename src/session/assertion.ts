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

/** What a signature under way weighs, before its length is known. */
const PENDING_BYTES = 1024

interface Kept {
  /** A promise while it is signed: many requests at once cost one signature. */
  text: string | Promise<string>
  generation: number
  signedAt: number
}

/** Makes the function that gives the assertion about a session for one API. */
export function createAssertions({ signingKeys, issuer, now, moveFhirUser }: AssertionsOptions) {
  const kept = createBoundedMap<Kept>(MAX_KEPT_BYTES, ({ text }) =>
    typeof text === 'string' ? text.length : PENDING_BYTES,
  )
  const [key] = signingKeys
  if (key === undefined) throw new Error('assertions need a signing key')

  return function assertionOf(open: OpenSession, api: Api): string | Promise<string> {
    const name = `${open.recordId} ${api.id}`
    const known = kept.get(name)
    const time = now()
    if (known !== undefined && isYoung(known, time) && known.generation === open.generation) {
      return known.text
    }
    const pending = { text: sign(open, api, time), generation: open.generation, signedAt: time }
    kept.set(name, pending)
    return settle(name, pending)
  }

  /** Keeps the text in place of its promise, and nothing of a signature that failed. */
  async function settle(name: string, pending: Kept): Promise<string> {
    try {
      const text = await pending.text
      if (kept.get(name) === pending) kept.set(name, { ...pending, text })
      return text
    } catch (error) {
      if (kept.get(name) === pending) kept.delete(name)
      throw error
    }
  }

  async function sign(open: OpenSession, api: Api, time: number): Promise<string> {
    const { session } = open
    const { context, identity, grantedScope } = session.tokens
    const issuedAt = Math.floor(time / 1000)
    return await new SignJWT({
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
  }
}

/** In the first half of its life; what was signed in the future, by a clock that was set back, is not. */
function isYoung({ signedAt }: Kept, time: number): boolean {
  return signedAt <= time && time < signedAt + (LIFETIME_SECONDS / 2) * 1000
}
