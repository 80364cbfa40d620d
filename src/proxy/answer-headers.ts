// Which headers of an EHR's answer reach the browser: a list of what FHIR's clients use, each with its
// grammar. One that breaks it is left out, and so is one that shows our access token, in whatever
// header a server writes down what it was sent (attacks R1, R5, R6, R16). Pure: no I/O, no clock.

import { weaken } from './entity-tags.ts'
import { showsToken, type TokenTraces } from './token-traces.ts'

/** Headers as undici gives them: names in lower case, repeated ones as a list. */
export type AnsweredHeaders = Readonly<Record<string, string | string[] | undefined>>

interface Rule {
  grammar: RegExp
  /** Repeated ones mean one list (RFC 9110 section 5.3); of others a second one makes both void. */
  isList?: boolean
  /** The name under which it reaches the browser, where that is another one. */
  as?: string
}

const TEXT = /^[\t\x20-\x7e]{0,1024}$/
const WORDS = /^[\w*, -]{0,256}$/
// A date of any age (RFC 9110 section 5.6.7), or a number.
const DATE = /^[\w ,:+-]{1,64}$/
const ID = /^[\x20-\x7e]{1,256}$/
// With its quotes; servers that forget them are met in the field.
const ENTITY_TAG = /^(?:(?:W\/)?"[\x21\x23-\x7e]{0,256}"|[\w.:+/=-]{1,256})$/

const rules: ReadonlyMap<string, Rule> = new Map([
  ['last-modified', { grammar: DATE }],
  ['expires', { grammar: DATE }],
  ['retry-after', { grammar: DATE }],
  ['content-language', { grammar: WORDS, isList: true }],
  ['content-range', { grammar: /^\w{1,16} [\d*/-]{3,64}$/ }],
  ['allow', { grammar: WORDS, isList: true }],
  // Ours stands under this name.
  ['x-request-id', { grammar: ID, as: 'ehr-request-id' }],
  ['x-correlation-id', { grammar: ID }],
  ['x-progress', { grammar: TEXT }],
  ['x-security-context', { grammar: TEXT }],
  ['preference-applied', { grammar: TEXT, isList: true }],
  ['accept-patch', { grammar: TEXT, isList: true }],
  ['warning', { grammar: TEXT, isList: true }],
])
const rangeRule: Rule = { grammar: WORDS, isList: true }
const tagRule: Rule = { grammar: ENTITY_TAG }

/**
 * Adds the headers that cross to `crossed`, names and values in turn; returns the entity tag as the EHR
 * sent it.
 */
export function passHeaders(
  crossed: string[],
  headers: AnsweredHeaders,
  how: { isRewritten: boolean; isTagWeak: boolean; traces: TokenTraces },
): string | undefined {
  const { isRewritten, isTagWeak, traces } = how
  for (const name in headers) {
    const rule = rules.get(name)
    if (rule !== undefined) push(crossed, rule.as ?? name, read(headers[name], rule, traces))
  }
  const tag = read(headers.etag, tagRule, traces)
  push(crossed, 'etag', isTagWeak && tag !== undefined ? weaken(tag) : tag)
  if (!isRewritten)
    push(crossed, 'accept-ranges', read(headers['accept-ranges'], rangeRule, traces))
  return tag
}

function read(
  sent: string | string[] | undefined,
  { grammar, isList }: Rule,
  traces: TokenTraces,
): string | undefined {
  const value = isList && typeof sent === 'object' ? sent.join(', ') : sent
  if (typeof value !== 'string' || !grammar.test(value)) return undefined
  return showsToken(value, traces) ? undefined : value
}

function push(crossed: string[], name: string, value: string | undefined): void {
  if (value !== undefined) crossed.push(name, value)
}
