// The Link header: addresses and what they are to the answer (RFC 8288 section 3). Pure: no I/O, no clock.

import { toUri } from './uri.ts'

export interface Link {
  url: string
  /** One relation type. */
  rel: string
}

const RELATION = /^[a-z][a-z0-9.-]{0,63}$/

/** The value of a Link header, or undefined when there is nothing to tell; a rel that is no word is left out. */
export function buildLinkHeader(links: readonly Link[]): string | undefined {
  const known = links.filter(({ rel }) => RELATION.test(rel))
  if (known.length === 0) return undefined
  return known.map(({ url, rel }) => `<${toUri(url)}>; rel="${rel}"`).join(', ')
}
