// Addresses in response headers: those below the EHR's base become ours, all others are left out, so
// that neither another host nor an internal name reaches the browser (attacks R2, R17). Resolved like a
// client would, because servers send them relative too. Pure: no I/O, no clock.

import { buildLinkHeader, type Link } from '../link.ts'
import { toUri } from '../uri.ts'
import { isTarget, type UpstreamBase } from './target.ts'

/** Whose addresses become whose. */
export interface Addresses {
  /** The FHIR base and its other spellings. */
  bases: readonly UpstreamBase[]
  /** What was asked of the EHR, absolute: relative addresses are relative to it. */
  asked: string
  /** Our FHIR base URL of the session. */
  ours: string
}

// Relations of FHIR's paging; any other (preload, stylesheet, …) would make a browser act.
const RELATIONS = new Set(['self', 'next', 'prev', 'previous', 'first', 'last'])
// A name of a host that ends in a dot is the same one.
const FINAL_DOT = /\.(?=$|:\d+$)/
const LINK = /<([^<>]{0,4096})>((?:\s*;\s*[a-z]+=(?:"[^"]*"|[^\s,;"]+)){0,8})/gi
const RELATION = /;\s*rel=(?:"([^"]*)"|([^\s,;"]+))/i

/** Our address for an address of the EHR; undefined when it lies elsewhere, or could not be asked for. */
export function toOwnAddress(value: string, { bases, asked, ours }: Addresses): string | undefined {
  if (!URL.canParse(value, asked)) return undefined
  const { origin, pathname, search, username } = new URL(value, asked)
  if (username !== '') return undefined
  const named = origin.replace(FINAL_DOT, '')
  for (const base of bases) {
    if (named !== base.origin) continue
    if (pathname === base.path || pathname.startsWith(`${base.path}/`)) {
      const rest = toUri(pathname.slice(base.path.length) + search)
      return isTarget(rest) ? ours + rest : undefined
    }
  }
  return undefined
}

/** A Link header with its paging links at our address; undefined when none is left. */
export function rewriteLinks(value: string, addresses: Addresses): string | undefined {
  const links: Link[] = []
  for (const [, target = '', parameters = ''] of value.matchAll(LINK)) {
    const [, quoted, bare] = RELATION.exec(parameters) ?? []
    const relation = (quoted ?? bare ?? '').toLowerCase()
    const own = RELATIONS.has(relation) ? toOwnAddress(target, addresses) : undefined
    if (own !== undefined) links.push({ url: own, rel: relation })
  }
  return buildLinkHeader(links)
}
