// The token request of an existing app and what it is answered: an access token that is no more than the
// session's name, and who and which patient, as SMART servers say it (RFC 6749 4.1.3 and 5, SMART App Launch
// 2.2). Pure: no I/O, no clock.

import { hash } from 'node:crypto'
import type { OpenSession } from '../session/session.ts'
import { writeSessionName } from './client.ts'
import { readOnce } from './parameters.ts'
import { tellScope } from './scope.ts'

export interface TokenRequest {
  code: string
  redirectUri: string
  clientId: string
  verifier?: string
}

export type TokenError = 'invalid_request' | 'invalid_grant' | 'unsupported_grant_type'

/** What a code was made for. */
export interface CodeGrant {
  ehr: string
  /** Session id. */
  session: string
  clientId: string
  redirectUri: string
  challenge?: string
  nonce?: string
  /** Launch contexts that the app asked for; undefined where it asked for no scope. */
  contexts?: string[]
}

const CODE = /^[A-Za-z0-9_-]{43}$/
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

/** Reads the form of a token request; an error of RFC 6749 5.2 in place of it. */
export function readTokenRequest(
  form: string,
  authorization: string | undefined,
): TokenRequest | TokenError {
  const { values, isRepeated } = readOnce(form)
  if (isRepeated || !values.has('grant_type')) return 'invalid_request'
  if (values.get('grant_type') !== 'authorization_code') return 'unsupported_grant_type'
  const [code = '', redirectUri = ''] = [values.get('code'), values.get('redirect_uri')]
  const verifier = values.get('code_verifier')
  if (!CODE.test(code) || (verifier !== undefined && !VERIFIER.test(verifier))) {
    return CODE.test(code) ? 'invalid_grant' : 'invalid_request'
  }
  const clientId = values.get('client_id') ?? readBasicUser(authorization)
  if (clientId === undefined) return 'invalid_request'
  return { code, redirectUri, clientId, verifier }
}

/** Whether a request is the one that the code was made for. */
export function isOwnCode(request: TokenRequest, grant: CodeGrant, ehr: string): boolean {
  const { redirectUri, clientId, verifier } = request
  const challenge = verifier && hash('sha256', verifier, 'base64url')
  return (
    grant.ehr === ehr &&
    grant.redirectUri === redirectUri &&
    grant.clientId === clientId &&
    grant.challenge === challenge
  )
}

// Old apps send the credentials that they were once given; the id alone means something here.
function readBasicUser(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const [user = ''] = Buffer.from(encoded, 'base64').toString().split(':')
  try {
    return decodeURIComponent(user)
  } catch {
    return user
  }
}

/** The members of the answer to a code; `undefined` ones are left out by JSON. */
export function buildTokenAnswer(
  open: OpenSession,
  grant: Pick<CodeGrant, 'challenge' | 'contexts'>,
  now: number,
  idToken: string | undefined,
) {
  const { id, endsAt, tokens } = open.session
  const { context, grantedScope } = tokens
  const { patient, encounter, fhirContext, intent, tenant } = context
  return {
    access_token: writeSessionName(id, grant.challenge === undefined),
    token_type: 'Bearer',
    expires_in: Math.max(0, Math.floor((endsAt - now) / 1000)),
    scope: tellScope(grantedScope, grant.contexts),
    ...{ patient, encounter, intent, tenant },
    fhirContext: fhirContext.length > 0 ? fhirContext : undefined,
    need_patient_banner: context.needPatientBanner,
    smart_style_url: context.smartStyleUrl,
    id_token: idToken,
  }
}
