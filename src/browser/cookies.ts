// Names, attributes and strict reading of fhirstorm's three cookies. A cookie that is sent twice is
// none at all: picking one of two would let a sibling site choose (attacks K8, K9). Pure: no I/O.

const SESSION_ID = /^[A-Za-z0-9_-]{22}$/

export interface CookieNames {
  ticket(sessionId: string): string
  launch(launchId: string): string
  browser: string
  /** Session ids of all ticket cookies in a Cookie header; unverified, in the order sent. */
  ticketIds(header: string | undefined): string[]
  /** Launch ids of all launch cookies in a Cookie header; unverified, in the order sent. */
  launchIds(header: string | undefined): string[]
}

/**
 * The cookie names of this deployment. `secure` is false only for a public URL on plain-http
 * loopback, where `__Host-` names would not be stored by every client.
 */
export function buildCookieNames(secure: boolean): CookieNames {
  const prefix = secure ? '__Host-fhirstorm-' : 'fhirstorm-'
  return {
    ticket: sessionId => prefix + sessionId,
    launch: launchId => `${prefix}launch-${launchId}`,
    browser: `${prefix}browser`,
    ticketIds: header => listSuffixes(header, prefix),
    launchIds: header => listSuffixes(header, `${prefix}launch-`),
  }
}

/** The value of one cookie, byte for byte; undefined when it is absent or sent more than once. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  let found: string | undefined
  let from = 0
  while (from < header.length) {
    let to = header.indexOf(';', from)
    if (to === -1) to = header.length
    while (header.charCodeAt(from) === 0x20) from++
    if (header.startsWith(name, from) && header[from + name.length] === '=') {
      if (found !== undefined) return undefined
      found = header.slice(from + name.length + 1, to).trimEnd()
    }
    from = to + 1
  }
  return found
}

function listSuffixes(header: string | undefined, prefix: string): string[] {
  if (header === undefined) return []
  const ids = new Set<string>()
  for (const pair of header.split(';')) {
    const name = pair.slice(0, pair.indexOf('=')).trim()
    if (!name.startsWith(prefix)) continue
    const id = name.slice(prefix.length)
    if (SESSION_ID.test(id)) ids.add(id)
  }
  return [...ids]
}

export type CookieKind = 'ticket' | 'launch' | 'browser'

export interface CookieAttributes {
  path: '/'
  httpOnly: true
  secure: boolean
  sameSite: 'strict' | 'lax' | 'none'
  partitioned?: boolean
  maxAge?: number
}

/**
 * Attributes of one cookie, the same for setting and for clearing. An EHR that embeds the app in a
 * frame needs `SameSite=None; Secure; Partitioned` on all three (attacks K1, K17).
 */
export function buildCookieAttributes(
  kind: CookieKind,
  options: { secure: boolean; embedded: boolean; ticketSameSite: 'strict' | 'lax' },
): CookieAttributes {
  if (options.embedded) {
    return { path: '/', httpOnly: true, secure: true, sameSite: 'none', partitioned: true }
  }
  const sameSite = kind === 'ticket' ? options.ticketSameSite : 'lax'
  return { path: '/', httpOnly: true, secure: options.secure, sameSite }
}
