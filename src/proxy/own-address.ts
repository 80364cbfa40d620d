// The way back: where a request names resources by our address of its session, the EHR is asked by its
// own. Bodies, query values, search forms and headers; any value that begins with our address, in
// whatever spelling. A value that belongs to another session is refused with `foreign_reference`,
// before anything is sent. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { DocumentKind } from './media-type.ts'
import { inJson, inQuery, plain, type Separators, spellBase } from './spelling.ts'

/** Where a text may hold our address; search forms are written like queries. */
export type Grammar = DocumentKind | 'query'

/** What finds our address; made once, the first group is the session id. */
export type OwnAddress = Readonly<Record<Grammar, RegExp>>

/** Whose address counts as the request's own. */
export interface Restoration {
  sessionId: string
  /** The request itself came by `/fhir`, so that this address is its own too. */
  byAlias: boolean
  /** FHIR base URL of the EHR without a trailing slash. */
  base: string
}

/** Compiles the search for a public URL. */
export function buildOwnAddress(publicUrl: string): OwnAddress {
  const spell = (separators: Separators) => {
    const { slash } = separators
    const paths = `(?:${slash}sessions${slash}([A-Za-z0-9_-]{1,64}))?${slash}fhir`
    return spellBase(publicUrl, separators) + paths
  }
  return {
    json: new RegExp(`(?<=(?<!\\\\)")${spell(inJson)}(?=\\\\?/|[?"])`, 'g'),
    xml: new RegExp(
      `(?<=[ \\t\\r\\n](?:value|url)[ \\t\\r\\n]*=[ \\t\\r\\n]*["'])${spell(plain)}(?=[/?"'])`,
      'g',
    ),
    query: new RegExp(
      `(?<=[=,|$]|%2[4Cc]|%7[Cc])${spell(inQuery)}(?=$|[&/?,|$]|%2[4CcFf]|%3[Ff]|%7[Cc])`,
      'g',
    ),
  }
}

/** The text with the EHR's base in the place of our address of this session. */
export function restoreAddress(
  grammar: Grammar,
  text: string,
  own: OwnAddress,
  { sessionId, byAlias, base }: Restoration,
): string {
  return text.replace(own[grammar], (found: string, id: string | undefined) => {
    if (id === undefined ? !byAlias : id !== sessionId) throw new BrokerError('foreign_reference')
    return found.includes('%') ? encodeURIComponent(base) : base
  })
}
