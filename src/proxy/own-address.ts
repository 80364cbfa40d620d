// The way back: where a request names resources by our address of its session, the EHR is asked by its
// own; an address of another session is refused with `foreign_reference`, before anything is sent. Ours
// is restored as it is usually written (any case of scheme and host, the default port said or not), and
// refused in every other spelling that some reader could resolve to it: escapes, an encoded host, dot
// segments, a user name. Pure: no I/O, no clock. RFC 3986 section 6.2, WHATWG URL.

import { BrokerError } from '../errors.ts'
import { decodeFormText } from '../form.ts'
import type { TagHabits } from './entity-tags.ts'
import { spellBase } from './spelling.ts'

/** What finds our addresses; made once. */
export interface OwnAddress {
  hostname: string
  /** As in a URL: empty for the default one. */
  port: string
  /** At the start of a value: the usual spelling; the groups are a session id, or an EHR's at the façade. */
  usual: RegExp
  /** At the start of a resolved path: what leads to FHIR, likewise. */
  path: RegExp
}

/** Whose address counts as the request's own. */
export interface Restoration {
  own: OwnAddress
  sessionId: string
  /** The request itself came by `/fhir`, so that this address is its own too. */
  byAlias: boolean
  /** Registration id, where the request came by the façade: then that address is its own too. */
  byFacade?: string
  /** FHIR base URL of the EHR without a trailing slash. */
  base: string
  /** What the EHR's entity tags are like; without it tags stay as they are. */
  tags?: TagHabits
}

// Whatever a reader strips or decodes, an absolute address begins like this.
const MAY_BE_ADDRESS = /^[\p{Cc}\p{Cf}\p{Z}]*[h%/\\]/iu
// The common case by far: somebody else's address, in plain letters.
const PLAIN_HOST = /^https?:\/\/((?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*)\.?(?::\d+)?(?:[/?#]|$)/i
const ADDRESS = /^(?:https?:|[/\\]{2})[/\\]*/i
const STRIPPED = /^[\p{Cc}\p{Cf}\p{Z}]+|[\t\n\r]+/gu
const UNUSUAL_PATH = /^[^?#]*?(?:[\\%]|\/\.)/
const MAX_DECODINGS = 4

const EHR = '[a-z0-9][a-z0-9-]{0,31}'

/** Compiles the search for a public URL, and for the façades below it where there are any. */
export function buildOwnAddress(publicUrl: string, hasFacade = false): OwnAddress {
  const { hostname, port, pathname } = new URL(publicUrl)
  const path = pathname.replace(/\/$/, '').replace(/[^A-Za-z0-9/_~]/g, '\\$&')
  const facade = hasFacade ? `|/smart/(${EHR})` : ''
  return {
    hostname,
    port,
    usual: new RegExp(
      `^${spellBase(publicUrl)}(?:(?:/sessions/([A-Za-z0-9_-]{1,64}))?/fhir${facade})(?=$|[/?#|])`,
    ),
    path: new RegExp(`^${path}(?:(?:/sessions/([^/?#]*))?/fhir${facade})(?![A-Za-z0-9._~%-])`),
  }
}

/**
 * How long our address of this session is at the start of a value, as its reader gets it; 0 when there
 * is none. Refuses with `foreign_reference` any address of another session. Of a value that is cut,
 * because it is very long, what cannot be told is refused too.
 */
export function measureOwnAddress(value: string, whose: Restoration, isCut = false): number {
  if (!MAY_BE_ADDRESS.test(value)) return 0
  const host = isCut ? undefined : PLAIN_HOST.exec(value)?.[1]
  if (host !== undefined && host.toLowerCase() !== whose.own.hostname) return 0
  const usual = whose.own.usual.exec(value)
  if (usual === null) {
    if (readsAsOurs(value, whose.own, isCut, () => true)) throw new BrokerError('foreign_reference')
    return 0
  }
  const [{ length }, id, ehr] = usual
  const isForeign = (session: string | undefined, facade: string | undefined) => {
    if (facade !== undefined) return facade !== whose.byFacade
    return session === undefined ? !whose.byAlias : session !== whose.sessionId
  }
  const mayClimb = UNUSUAL_PATH.test(value.slice(length))
  if (isForeign(id, ehr) || (mayClimb && readsAsOurs(value, whose.own, isCut, isForeign))) {
    throw new BrokerError('foreign_reference')
  }
  return length
}

/** Whether some reader could take a value for an address of ours that counts. */
function readsAsOurs(
  value: string,
  own: OwnAddress,
  isCut: boolean,
  counts: (session: string | undefined, facade: string | undefined) => boolean,
): boolean {
  return listReadings(value).some(reading => {
    const text = reading.replace(STRIPPED, '')
    if (!ADDRESS.test(text)) return false
    const url = URL.parse(text.startsWith('h') || text.startsWith('H') ? text : `https:${text}`)
    if (isCut && !/[/\\?#]/.test(text.replace(ADDRESS, ''))) return true
    if (url === null || !isAt(own, url)) return false
    if (isCut && !/[?#]/.test(text)) return true
    return listReadings(url.pathname).some(path => {
      const found = own.path.exec(resolvePath(path))
      return found !== null && counts(found[1], found[2])
    })
  })
}

function isAt({ hostname, port }: OwnAddress, url: URL): boolean {
  return url.hostname.replace(/\.$/, '') === hostname && url.port === port
}

/** A path without dot segments and doubled slashes, its escapes decoded. */
function resolvePath(path: string): string {
  const url = URL.parse(`https://none.invalid/${path}`)
  return decodeEscapes(url?.pathname ?? path).replace(/\/{2,}/g, '/')
}

/** A text as it stands, and as it reads when its escapes are decoded once, twice and so on. */
function listReadings(text: string): string[] {
  const readings = [text]
  for (let last = text; last.includes('%') && readings.length <= MAX_DECODINGS; ) {
    const decoded = decodeEscapes(last)
    if (decoded === last) break
    readings.push(decoded)
    last = decoded
  }
  return readings
}

function decodeEscapes(text: string): string {
  if (!text.includes('%')) return text
  return decodeFormText(Buffer.from(text.replaceAll('+', '%2B')).toString('latin1'))
}
