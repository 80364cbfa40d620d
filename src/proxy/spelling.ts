// A base URL in every spelling that means the same: case of scheme and host, the default port said or
// not, and, where a grammar allows it, escaped separators. Sources of regular expressions, so that one
// linear scan finds them all. Pure: no I/O, no clock. RFC 3986 section 6.2.

/** How a grammar may write the separators of a URL: sources of regular expressions. */
export interface Separators {
  slash: string
  colon: string
}

/** As they are. */
export const plain: Separators = { slash: '/', colon: ':' }
/** In JSON a slash may be escaped. */
export const inJson: Separators = { slash: '\\\\?/', colon: ':' }

/** The source of an expression for one base URL; a trailing slash of the base counts for nothing. */
export function spellBase(base: string, { slash, colon }: Separators): string {
  const { protocol, hostname, port, pathname } = new URL(base)
  const scheme = protocol.slice(0, -1)
  const places = port === '' ? `(?:${colon}${defaultPort(protocol)})?` : `${colon}${port}`
  const segments = pathname.replace(/\/$/, '').split('/').slice(1)
  const path = segments.map(segment => slash + quote(segment)).join('')
  return `(?i:${scheme}${colon}${slash}${slash}${quote(hostname)})${places}${path}`
}

/** One expression for several bases; the longest wins where one begins with another. */
export function spellBases(bases: readonly string[], separators: Separators): string {
  const longestFirst = [...new Set(bases)].sort((a, b) => b.length - a.length)
  return `(?:${longestFirst.map(base => spellBase(base, separators)).join('|')})`
}

/** All unescaped spellings of some bases in lower case, to tell what may still become one. */
export function listSpellings(bases: readonly string[]): string[] {
  return bases.flatMap(base => {
    const { protocol, hostname, port, pathname } = new URL(base)
    const path = pathname.replace(/\/$/, '')
    const hosts =
      port === '' ? [hostname, `${hostname}:${defaultPort(protocol)}`] : [`${hostname}:${port}`]
    return hosts.map(host => `${protocol}//${host}${path}`.toLowerCase())
  })
}

/** A text as the second argument of `replace`, where a dollar sign would mean something. */
export function literally(text: string): string {
  return text.includes('$') ? text.replaceAll('$', '$$$$') : text
}

function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80
}

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
