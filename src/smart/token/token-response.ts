// The judge of token answers: strict, with each leniency a named quirk of the registration. What it
// lets through is safe in a header and bounded; what it refuses is `bad_token_response`. An error is
// read whatever the status (Q14). Pure: no I/O, no clock (RFC 6749 5; AL-46 to AL-48; attacks T).

import { BrokerError } from '../../errors.ts'
import { splitScope } from '../scope/scope.ts'
import type { Quirks } from '../types.ts'
import type { ServerAnswer } from './server-call.ts'

const DEFAULT_LIFETIME_SECONDS = 300
/** No session lives longer. */
const MAX_LIFETIME_SECONDS = 7 * 24 * 3600
const MAX_TOKEN_LENGTH = 16 * 1024
/** Users are in many groups: no shorter than the answer itself may be. */
const MAX_ID_TOKEN_LENGTH = 64 * 1024
const MAX_SCOPE_LENGTH = 16 * 1024

/** A token answer that holds; members beyond the tokens are still to be judged. */
export interface TokenResponse {
  accessToken: string
  /** Undefined where the answer does not say. */
  lifetimeMs: number | undefined
  refreshToken?: string
  idToken?: string
  /** As granted; absent means as requested (RFC 6749 5.1). */
  scope?: string
  members: ReadonlyMap<string, unknown>
  /** Optional members that could not be read, where the answer was judged leniently. */
  warnings: string[]
}

/** The `error` of an answer, for comparing only; undefined when it is none. */
export function readTokenError({ document, status }: ServerAnswer): string | undefined {
  const error = document.kind === 'object' ? document.object.error : undefined
  if (typeof error === 'string' && error !== '') return error
  return status === 401 ? 'invalid_client' : undefined
}

/**
 * The token answer as a typed value, or `bad_token_response`; never a word of the answer itself. With
 * `optional: 'drop'` a usable access token is never thrown away for another member: one that cannot
 * be read counts as absent, with a warning.
 */
export function parseTokenResponse(
  answer: ServerAnswer,
  quirks: Quirks,
  { optional }: { optional: 'refuse' | 'drop' } = { optional: 'refuse' },
): TokenResponse {
  const members = readMembers(answer, quirks)
  if (!isBearer(members.get('token_type'), quirks)) throw refuse('token_type is not Bearer')
  const warnings: string[] = []
  function read<T>(name: string, parse: () => T | undefined): T | undefined {
    try {
      return parse()
    } catch (error) {
      if (optional === 'refuse' || !(error instanceof BrokerError)) throw error
      warnings.push(`${name} dropped`)
      return undefined
    }
  }
  return {
    accessToken: parseToken(members, 'access_token', /^[\x21-\x7e]+$/) ?? refuseMissing(),
    refreshToken: read('refresh_token', () =>
      parseToken(members, 'refresh_token', /^[\x20-\x7e]+$/),
    ),
    idToken: read('id_token', () =>
      parseToken(members, 'id_token', /^[\x21-\x7e]+$/, MAX_ID_TOKEN_LENGTH),
    ),
    lifetimeMs: parseLifetime(members.get('expires_in')),
    scope: read('scope', () => parseScopeMember(members.get('scope'), quirks)),
    members,
    warnings,
  }
}

function readMembers({ status, document }: ServerAnswer, quirks: Quirks): Map<string, unknown> {
  const created = status === 201 && quirks.createdStatus === 'accept'
  if (status !== 200 && !created) throw refuse(`status ${status}`)
  if (document.kind !== 'object') throw refuse('not a JSON object')
  const members = Object.entries(document.object)
  // Servers write out members that they have nothing to say in: null and empty are absent.
  return new Map(members.filter(([, value]) => value !== null && value !== ''))
}

function isBearer(tokenType: unknown, quirks: Quirks): boolean {
  if (tokenType === undefined) return quirks.tokenTypeOptional
  const type = typeof tokenType === 'string' ? tokenType.toLowerCase() : ''
  return type === 'bearer' || (type === 'bearertoken' && quirks.tokenTypeOptional)
}

function parseToken(
  members: ReadonlyMap<string, unknown>,
  name: string,
  allowed: RegExp,
  max = MAX_TOKEN_LENGTH,
): string | undefined {
  const token = members.get(name)
  if (token === undefined) return undefined
  if (typeof token !== 'string' || token.length > max || !allowed.test(token)) {
    throw refuse(`${name} is not a token`)
  }
  return token
}

function refuseMissing(): never {
  throw refuse('access_token is missing')
}

// A number in a text counts as the number that it spells; what is not positive says nothing (Q6, T6).
function parseLifetime(value: unknown): number | undefined {
  const isNumber = typeof value === 'string' && /^\d{1,15}(?:\.\d{1,15})?$/.test(value)
  const seconds = isNumber ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds >= 1)) return undefined
  return Math.min(Math.floor(seconds), MAX_LIFETIME_SECONDS) * 1000
}

/**
 * How long a token is taken to live of which the EHR does not say it: a short time where it can be renewed, for
 * none would mean a renewal for each request; else until the EHR refuses it, as nothing else can be known.
 */
export function chooseLifetimeMs({ isRenewable }: { isRenewable: boolean }): number {
  return (isRenewable ? DEFAULT_LIFETIME_SECONDS : MAX_LIFETIME_SECONDS) * 1000
}

function parseScopeMember(value: unknown, quirks: Quirks): string | undefined {
  if (value === undefined) return undefined
  const joined =
    quirks.scopeArray === 'join' && Array.isArray(value) && value.every(isText)
      ? value.join(' ')
      : value
  if (!isText(joined) || joined.length > MAX_SCOPE_LENGTH || !/^[\t\n\r\x20-\x7e]*$/.test(joined)) {
    throw refuse('scope is not a text')
  }
  return splitScope(joined).join(' ')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function refuse(detail: string): BrokerError {
  return new BrokerError('bad_token_response', { detail })
}
