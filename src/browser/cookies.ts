// Names, attributes and strict reading of fhirstorm's three cookies. A cookie that is sent twice is
// none at all: picking one of two would let a sibling site choose (attacks K8, K9). Pure: no I/O.

const NAME = /^[\w-]{1,128}$/
const SESSION_ID = /^[A-Za-z0-9_-]{22}$/

/** Cookies of one kind by id: their values, undefined for one that was sent more than once. */
export type SentCookies = ReadonlyMap<string, string | undefined>

export interface CookieNames {
  ticket(sessionId: string): string
  launch(launchId: string): string
  browser: string
  /** All ticket cookies of a Cookie header by session id; unverified, in the order sent. */
  tickets(header: string | undefined): SentCookies
  /** All launch cookies of a Cookie header by launch id; unverified, in the order sent. */
  launches(header: string | undefined): SentCookies
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
    tickets: header => readCookies(header, prefix),
    launches: header => readCookies(header, `${prefix}launch-`),
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

// In one pass: a header may be made of hundreds of them.
function readCookies(header: string | undefined, prefix: string): SentCookies {
  const found = new Map<string, string | undefined>()
  if (header === undefined) return found
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, Math.max(equals, 0)).replace(/^ +/, '')
    if (!name.startsWith(prefix)) continue
    const id = name.slice(prefix.length)
    if (!SESSION_ID.test(id)) continue
    found.set(id, found.has(id) ? undefined : pair.slice(equals + 1).trimEnd())
  }
  return found
}

/** The name as it stands in Set-Cookie. Throws a TypeError for what would end it early. */
export function requireCookieName(name: string): string {
  if (!NAME.test(name)) throw new TypeError('a cookie name is no token')
  return name
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
