// The EHR's address at the start of a text, in every spelling that a browser would follow to it but not to
// ours: absolute in any case, with or without the default port, without its scheme (`//host/…`), from the
// root of its host (`/fhir/r4?…`), through folders and back, with escaped letters. What could not be asked
// for at ours stays as it is. Pure: no I/O, no clock. RFC 3986 sections 4.2, 5 and 6.2, WHATWG URL.

import { isCanonicalPath } from './canonical.ts'
import { toOwnAddress } from './location.ts'
import { spellBase, spellPath, spellWithoutScheme } from './spelling.ts'
import { isTarget, parseUpstreamBase, type UpstreamBase } from './target.ts'
import type { UrlPlace } from './url-places.ts'

/** What finds one EHR's addresses; made once per registration. */
export interface EhrAddress {
  bases: readonly UpstreamBase[]
  /** As it is mostly written; no other base begins with it. */
  longest: string
  /** At the start of a text: the usual spellings. */
  usual: RegExp
  hostnames: ReadonlySet<string>
}

/** Whose addresses they become, and what they may be relative to. */
export interface Rewritten {
  /** Our FHIR base URL of the session. */
  ours: string
  /** What was asked of the EHR, absolute. */
  asked: string
}

/** What stands in the place of the beginning of a text. */
export interface Replacement {
  length: number
  text: string
}

/** The four names whose values clients follow. */
export const ADDRESS_NAMES = ['fullUrl', 'reference', 'location', 'url'] as const

/** Longest text that is read as an address. */
export const LONGEST_ADDRESS = 8 * 1024 + 512

const ABSOLUTE = /^(https?):\/\/([a-z0-9.-]+)(?:[:/?#]|$)/i
// What a browser resolves otherwise at our origin than at the EHR's; it strips controls, tabs and line ends.
const STRIPPED = /^[\0-\x20]+|[\t\n\r]+/g
const RESOLVED = /^(?:https?:|[/\\])/i
const CLIMBING = /^\.\.(?:[/\\]|$)/
const ESCAPED_LETTER = /%(?:2[dDeE]|3\d|[46][1-9A-Fa-f]|[57][0-9Aa]|5[fF]|7[eE])/

/** Compiles the search for a FHIR base and its other spellings. */
export function buildEhrAddress(bases: readonly string[]): EhrAddress {
  const parsed = bases.map(parseUpstreamBase)
  const [first] = parsed as [UpstreamBase]
  const longestFirst = [...new Set(bases)].sort((a, b) => b.length - a.length)
  const spellings = longestFirst.flatMap(base => {
    const { origin, path } = parseUpstreamBase(base)
    const isSameScheme = new URL(base).protocol === new URL(first.origin).protocol
    return [
      spellBase(base),
      ...(isSameScheme ? [spellWithoutScheme(base)] : []),
      ...(origin === first.origin ? [path === '' ? '(?=/(?!/))' : spellPath(base)] : []),
    ]
  })
  const longest = parseUpstreamBase(longestFirst[0] ?? '')
  return {
    bases: parsed.toSorted((a, b) => b.path.length - a.path.length),
    longest: longest.origin + longest.path,
    usual: new RegExp(`^(?:${spellings.join('|')})(?=[/?#]|$)`),
    hostnames: new Set(bases.map(base => new URL(base).hostname)),
  }
}

/** Whether a text that is written so may be an address that has to change, by its first code alone. */
export function mayBeAddress(code: number): boolean {
  // `h`, `H`, `/`, `\`, `.`, `&`, and what browsers strip.
  return (code | 0x20) === 0x68 || code === 0x2f || code === 0x5c || code === 0x2e || isRare(code)
}

function isRare(code: number): boolean {
  return code === 0x26 || code <= 0x20
}

/**
 * What has to stand in the place of the EHR's address at the start of a text, as its reader gets it;
 * undefined when there is none, or where the text is a name.
 */
export function replaceAddress(
  text: string,
  { ehr, place, isUrl }: { ehr: EhrAddress; place: UrlPlace; isUrl: boolean },
  { ours, asked }: Rewritten,
): Replacement | undefined {
  if (place === 'nothing' || (isUrl && place === 'name')) return undefined
  const length = measureUsual(text, ehr)
  const hash = text.indexOf('#')
  if (length !== 0 || (text[0] === '/' && ehr.usual.test(text))) {
    const rest = text.slice(length, hash === -1 ? text.length : hash)
    if (isTarget(rest)) {
      const isName = isUrl && place === 'unknown' && isCanonicalPath(rest)
      return isName ? undefined : { length, text: ours }
    }
  }
  const read = text.replace(STRIPPED, '')
  if (!RESOLVED.test(read) && !(isUrl && CLIMBING.test(read))) return undefined
  if (length === 0 && isElsewhere(read, ehr)) return undefined
  const own = toOwnAddress(decodeLetters(read), { bases: ehr.bases, asked, ours })
  if (own === undefined) return undefined
  if (isUrl && place === 'unknown' && isCanonicalPath(own.slice(ours.length))) return undefined
  return { length: text.length, text: hash === -1 ? own : own + text.slice(hash) }
}

/** How long a usual spelling is at the start of a text; 0 where there is none. */
function measureUsual(text: string, { longest, usual }: EhrAddress): number {
  if (text.startsWith(longest)) {
    const next = text.charCodeAt(longest.length)
    if (next === 0x2f || next === 0x3f || text.length === longest.length) return longest.length
  }
  return usual.exec(text)?.[0].length ?? 0
}

/** The common case: somebody else's address, in plain letters. */
function isElsewhere(text: string, { hostnames }: EhrAddress): boolean {
  const host = ABSOLUTE.exec(text)?.[2]
  return host !== undefined && !hostnames.has(host.toLowerCase().replace(/\.$/, ''))
}

/** Escapes of letters, digits, `-`, `.`, `_` and `~` mean the same without (RFC 3986 section 6.2.2.2). */
function decodeLetters(text: string): string {
  const end = text.search(/[?#]/)
  const path = end === -1 ? text : text.slice(0, end)
  if (!ESCAPED_LETTER.test(path)) return text
  const decoded = path.replace(/%[0-9A-Fa-f]{2}/g, code => {
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return /[A-Za-z0-9\-._~]/.test(char) ? char : code
  })
  return decoded + text.slice(path.length)
}
