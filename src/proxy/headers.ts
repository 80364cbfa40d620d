// Which request headers reach the EHR: a list of what FHIR needs (R4 section 3.1.0, Binary, Provenance,
// RFC 9110 conditions and ranges, trace context), each with its grammar. Our Authorization is the only
// one; cookies, forwarding headers and whatever Connection names are on no list, so they never cross
// (attacks P7-P10, P16, P23, P24, P27, P29, X8). Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import { isWeak, strengthen } from './entity-tags.ts'
import { restoreJson } from './judges.ts'
import { documentKind, encodingOf, isUtf8, type MediaType, parseMediaType } from './media-type.ts'
import type { Restoration } from './own-address.ts'
import { restoreQuery } from './restore-query.ts'
import { isBinary, type Target } from './target.ts'

/** Headers as Node gives them: names in lower case, repeated ones joined. */
export type ReceivedHeaders = Readonly<Record<string, string | string[] | undefined>>

interface Rule {
  grammar: RegExp
  /** Left out where the grammar fails, instead of refused: it means nothing to the answer. */
  optional?: boolean
  /** How what was changed on its way out becomes the EHR's again, such as our address in it. */
  restore?: (value: string, whose: Restoration, target: Target) => string
}

const TEXT = /^[\t\x20-\x7e]{0,1024}$/
const LONG_TEXT = /^[\t\x20-\x7e]{0,8192}$/
const ENTITY_TAGS = /^[\x21\x23-\x7e"\t ]{1,1024}$/
const ID = /^[A-Za-z0-9._:;=,/+@-]{1,256}$/

const rules: ReadonlyMap<string, Rule> = new Map([
  ['if-match', { grammar: ENTITY_TAGS, restore: restoreTags }],
  ['if-none-match', { grammar: ENTITY_TAGS, restore: restoreTags }],
  ['if-none-exist', { grammar: LONG_TEXT, restore: restoreQuery }],
  ['if-modified-since', { grammar: TEXT }],
  ['if-unmodified-since', { grammar: TEXT }],
  ['prefer', { grammar: TEXT }],
  ['accept-language', { grammar: TEXT }],
  ['content-language', { grammar: TEXT }],
  ['cache-control', { grammar: TEXT }],
  ['x-provenance', { grammar: LONG_TEXT, restore: restoreJson }],
  ['x-security-context', { grammar: TEXT }],
  ['last-event-id', { grammar: TEXT }],
  ['x-request-id', { grammar: ID, optional: true }],
  ['x-correlation-id', { grammar: ID, optional: true }],
  ['traceparent', { grammar: /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/, optional: true }],
  ['tracestate', { grammar: /^[\x20-\x7e]{1,512}$/, optional: true }],
])
const ANYTHING = 'application/fhir+json, application/json;q=0.9, */*;q=0.1'
const RANGE = /^bytes=[0-9, -]{1,256}$/
const RUNS_IN_BROWSERS = /html|svg|xslt|(?:java|ecma|j|live|vb)script/i
const ANY_AMONG_OTHERS = /\*\/\*/
const CODINGS = /^[a-z0-9*;=., -]{1,128}$/i
const BEARER = /^[\x21-\x7e]{1,16384}$/

/** What the EHR is to be asked with, besides what the client sent. */
export interface RequestPlan {
  /** Value of Authorization, made by `buildAuthorization`. */
  authorization: string
  target: Target
  /** A page of ours has the browser save the file. */
  isSaved?: boolean
  /** Codings the EHR may answer in; `any` hands on what the client takes. */
  acceptEncoding: 'identity' | 'gzip' | 'any'
  /**
   * Our address becomes the EHR's; undefined where nothing is rewritten. Where it is, byte ranges mean
   * something of files alone.
   */
  whose: Restoration | undefined
}

/**
 * The headers of the upstream request, names and values in turn. Refuses with `header_invalid` what
 * breaks its grammar, which is narrower than undici's: a request refused there wedges a connection.
 */
export function buildRequestHeaders(received: ReceivedHeaders, plan: RequestPlan): string[] {
  const headers = [
    ...['authorization', plan.authorization, 'user-agent', 'fhirstorm'],
    ...['accept', buildAccept(received.accept, plan)],
    ...['accept-encoding', chooseCoding(received['accept-encoding'], plan)],
  ]
  for (const name in received) {
    const rule = rules.get(name)
    if (rule === undefined) continue
    const { grammar, optional, restore } = rule
    const value = received[name] as string
    if (grammar.test(value)) {
      headers.push(name, restore && plan.whose ? restore(value, plan.whose, plan.target) : value)
    } else if (!optional) {
      throw new BrokerError('header_invalid', { detail: name })
    }
  }
  if (received.range !== undefined) pushRange(headers, received, plan)
  return headers
}

/**
 * The Authorization of an access token, or `bad_token_response` where it holds more than the characters
 * of RFC 6750.
 */
export function buildAuthorization(accessToken: string): string {
  if (!BEARER.test(accessToken)) throw new BrokerError('bad_token_response')
  return `Bearer ${accessToken}`
}

/**
 * The type of a request body, judged: FHIR's documents, patches, search forms and GraphQL; any type
 * for files. Refuses with `media_type_refused`, also a charset in which it could not be searched, and
 * any coding.
 */
export function parseBodyType(received: ReceivedHeaders, target: Target): MediaType {
  const type = parseMediaType(received['content-type'])
  const coding = received['content-encoding']
  if (type === undefined) throw new BrokerError('media_type_refused')
  if (coding !== undefined && coding !== 'identity') throw new BrokerError('media_type_refused')
  if (documentKind(type, isBinary(target))) {
    if (isUtf8(type)) return type
  } else if (type.name === FORM_TYPE) {
    if (isUtf8(type) || ASCII_BASED.test(encodingOf(type.charset ?? '') ?? '')) return type
  } else if (isBinary(target) ? !type.name.startsWith('multipart/') : OTHER_BODIES.has(type.name)) {
    return type
  }
  throw new BrokerError('media_type_refused')
}

/** Writes a media type with faults as it is read, so that every later reader takes it for the same. */
export function writeBodyType(received: Record<string, string | string[] | undefined>): void {
  const sent = received['content-type']
  if (sent === undefined) return
  const written = parseMediaType(sent)?.written
  if (written !== undefined && written !== sent) received['content-type'] = written
}

/** The media type of search forms. */
export const FORM_TYPE = 'application/x-www-form-urlencoded'

// No Turtle: nothing here reads it, so a batch or an address of ours in it could not be judged.
const OTHER_BODIES = new Set(['application/graphql'])
// Whatever the escapes of a form mean, they and its separators are written in ASCII.
const ASCII_BASED = /^(?:windows-125|iso-8859-)/

// Whoever takes anything gets JSON first: servers that prefer XML would surprise every script. Of a file
// anything is its own bytes, and where the query names a format it decides. What a browser that goes to an
// address would rather have (Safari says no more of a download) is nothing that a file is.
function buildAccept(
  asked: string | string[] | undefined,
  { target, isSaved }: Pick<RequestPlan, 'target' | 'isSaved'>,
): string {
  if (isSaved) return '*/*'
  const isOpen = asked === '*/*' && !isBinary(target) && !target.query.includes('_format')
  if (asked === undefined || isOpen) return ANYTHING
  if (typeof asked !== 'string' || !TEXT.test(asked)) throw new BrokerError('header_invalid')
  if (!RUNS_IN_BROWSERS.test(asked)) return asked
  if (isBinary(target) && ANY_AMONG_OTHERS.test(asked)) return '*/*'
  const kept = asked
    .split(',')
    .map(range => range.trim())
    .filter(range => range !== '' && !RUNS_IN_BROWSERS.test(range))
  return kept.length > 0 ? kept.join(', ') : 'application/fhir+json'
}

function restoreTags(value: string, { tags }: Restoration, target: Target): string {
  return tags?.areStrong(target) ? strengthen(value) : value
}

function chooseCoding(asked: string | string[] | undefined, { acceptEncoding }: RequestPlan) {
  if (acceptEncoding !== 'any') return acceptEncoding
  return typeof asked === 'string' && CODINGS.test(asked) ? asked : 'identity'
}

// A range of a rewritten document would be cut at other places than the document the client sees: the
// header may be ignored by any server (RFC 9110 section 14.2), so it is left out.
function pushRange(headers: string[], received: ReceivedHeaders, plan: RequestPlan): void {
  if (plan.whose && !isBinary(plan.target)) return
  // A weak tag never holds here (section 13.1.5): the whole is sent, rewritten like the part before.
  if (plan.whose && isWeak(String(received['if-range'] ?? ''))) return
  if (!RANGE.test(received.range as string)) throw new BrokerError('header_invalid')
  headers.push('range', received.range as string)
  const condition = received['if-range']
  if (condition === undefined) return
  if (!TEXT.test(condition as string)) throw new BrokerError('header_invalid')
  headers.push('if-range', condition as string)
}
