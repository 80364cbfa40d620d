// How an EHR authorizes, found out from its FHIR base: `.well-known/smart-configuration`; where that
// is missing or no JSON, `metadata`; and OpenID discovery where id_tokens need it. No description is
// a refusal (docs/conformance.md, F7), and what is away for a moment never makes what is known poorer
// (Q35). The network and the time are passed in; each call has its own deadline and all together have
// one more.

import { BrokerError } from '../../errors.ts'
import { parseJsonObject } from '../json.ts'
import { readRetryAfter } from '../rest.ts'
import type { AuthorizationServer, ProtocolFetch, Registration } from '../types.ts'
import { parseCapabilityStatement } from './capability-statement.ts'
import {
  busy,
  describeProvisional,
  type FoundDocument,
  isAway,
  isDescription,
  isMissing,
  listHabits,
  readObject,
} from './documents.ts'
import {
  applyOpenidConfiguration,
  buildOpenidConfigurationUrl,
  lacksEndSession,
  needsOpenidConfiguration,
} from './openid-configuration.ts'
import { parseSmartConfiguration } from './smart-configuration.ts'

const CALL_MS = 5000
const TOTAL_MS = 10_000
const SMALL_BYTES = 256 * 1024
const METADATA_BYTES = 4 * 1024 * 1024
// Plain types, DSTU2's among them: some servers refuse parameters in Accept (LD-08).
const FHIR_JSON = 'application/fhir+json, application/json+fhir, application/json'

/** What discovery found, and what a later one needs to ask whether it still holds. */
export interface Discovery {
  server: AuthorizationServer
  /** Of the smart-configuration, when nothing else went into the result. */
  etag?: string
  /** The better document may only be away: to be asked for again soon. */
  isProvisional?: boolean
  /** What the login does not wait for; never rejects. */
  completed?: Promise<AuthorizationServer>
}

export interface DiscoveryContext {
  /** The registration's egress. */
  fetch: ProtocolFetch
  /** Milliseconds since the epoch. */
  now: () => number
  /** An earlier result, returned again when the EHR says that it still holds. */
  previous?: Discovery
}

/**
 * Asks an EHR how it authorizes. Rejects with `no_oauth_metadata`, `bad_metadata`,
 * `endpoint_not_pinned`, `pkce_unsupported`, `issuer_busy`, `issuer_unreachable`, `issuer_timeout`.
 */
export async function discover(
  registration: Registration,
  { fetch, now, previous }: DiscoveryContext,
): Promise<Discovery> {
  const habits: string[] = []
  const get = createGet(registration, { fetch, now, habits })
  const base = registration.iss.replace(/\/$/, '')
  const smart = await get(`${base}/.well-known/smart-configuration`, {
    headers: { accept: 'application/json', ...ifNoneMatch(previous) },
  })
  if (smart.status === 304 && previous !== undefined) {
    return lacksEndSession(previous.server, registration)
      ? complete(get, previous, registration)
      : previous
  }
  const isDescribed = isDescription(smart)
  if (!isDescribed && isAway(smart, previous?.server.source === 'smart-configuration')) {
    throw busy(smart, 'discovery')
  }
  const described = isDescribed
    ? parseSmartConfiguration(readObject(smart), registration)
    : await readMetadata(get, base, smart, registration)
  const isProvisional = !isDescribed && !isMissing(smart)
  if (isProvisional) habits.push(describeProvisional(smart))
  if (needsOpenidConfiguration(described, registration)) {
    const server = await completeWithOpenid(get, described, registration, previous)
    return { server: withWarnings(server, habits), isProvisional }
  }
  const etag = isDescribed ? smart.etag : undefined
  const found = { server: withWarnings(described, habits), etag, isProvisional }
  if (!lacksEndSession(described, registration)) return found
  const server = keepEndSession(found.server, previous)
  return complete(get, { ...found, server }, registration)
}

type Get = (
  url: string,
  request: { headers: Record<string, string>; maxBytes?: number },
) => Promise<FoundDocument>

function createGet(
  { id }: Registration,
  { fetch, now, habits }: Pick<DiscoveryContext, 'fetch' | 'now'> & { habits: string[] },
): Get {
  const end = now() + TOTAL_MS
  return async (url, { headers, maxBytes = SMALL_BYTES }) => {
    const timeoutMs = Math.max(1, Math.min(CALL_MS, end - now()))
    const about = { name: url.slice(url.lastIndexOf('/') + 1), ehr: id }
    const asked = {
      headers,
      maxBytes,
      timeoutMs,
      follows: true,
      badAnswer: 'bad_metadata',
    } as const
    const response = await fetch(url, asked).catch(error => {
      if (error instanceof BrokerError && error.code === 'endpoint_not_pinned') return error
      throw error
    })
    if (response instanceof BrokerError) {
      return { ...about, status: 0, document: { kind: 'other' }, refusal: response }
    }
    habits.push(...listHabits(about.name, response.headers))
    const body = new Uint8Array(await response.arrayBuffer())
    return {
      ...about,
      status: response.status,
      retryAfterSeconds: readRetryAfter(response.headers, now),
      etag: response.headers.get('etag') ?? undefined,
      document: parseJsonObject(body, response.headers.get('content-type')),
    }
  }
}

function withWarnings(server: AuthorizationServer, more: readonly string[]): AuthorizationServer {
  return more.length === 0 ? server : { ...server, warnings: [...server.warnings, ...more] }
}

function ifNoneMatch(previous: Discovery | undefined): Record<string, string> {
  return previous?.etag === undefined ? {} : { 'if-none-match': previous.etag }
}

async function readMetadata(
  get: Get,
  base: string,
  smart: FoundDocument,
  registration: Registration,
): Promise<AuthorizationServer> {
  const request = { headers: { accept: FHIR_JSON }, maxBytes: METADATA_BYTES }
  let answer = await get(`${base}/metadata`, request)
  const otherFormat = answer.status === 200 && answer.document.kind === 'other'
  if (otherFormat || answer.status === 406 || answer.status === 415) {
    const plain = { ...request, headers: { accept: 'application/json' } }
    answer = await get(`${base}/metadata?_format=json`, plain)
  }
  if (answer.status === 200 && answer.document.kind !== 'other') {
    return parseCapabilityStatement(readObject({ ...answer, name: 'metadata' }), registration)
  }
  if (isAway(answer, false)) throw busy(answer, 'discovery')
  const elsewhere = smart.refusal ?? answer.refusal
  if (elsewhere) throw elsewhere
  throw new BrokerError('no_oauth_metadata', {
    ehr: registration.id,
    detail: `smart-configuration: status ${smart.status}, metadata: status ${answer.status}, no JSON`,
  })
}

async function completeWithOpenid(
  get: Get,
  server: AuthorizationServer,
  registration: Registration,
  previous: Discovery | undefined,
): Promise<AuthorizationServer> {
  const url = buildOpenidConfigurationUrl(server, registration)
  const answer = await get(url, { headers: { accept: 'application/json' } })
  if (isDescription(answer)) {
    return applyOpenidConfiguration(server, readObject(answer), registration)
  }
  const wasThere =
    previous !== undefined && !needsOpenidConfiguration(previous.server, registration)
  if (isAway(answer, wasThere)) throw busy(answer, 'OpenID discovery')
  const detail = 'neither keys nor an OpenID configuration: id_tokens cannot be verified'
  if (registration.idToken === 'require') {
    throw new BrokerError('bad_metadata', { ehr: registration.id, detail })
  }
  return { ...server, warnings: [...server.warnings, detail] }
}

/** With the end of session that was known before, until it is known whether it still holds. */
function keepEndSession(
  server: AuthorizationServer,
  previous: Discovery | undefined,
): AuthorizationServer {
  const known = previous?.server
  if (known?.issuer !== server.issuer) return server
  return { ...server, endSessionEndpoint: known.endSessionEndpoint }
}

/** Looks behind the login for the end of session in the OpenID configuration (Q38). */
function complete(get: Get, discovery: Discovery, registration: Registration): Discovery {
  const { server } = discovery
  const completed = findEndSession(get, server, registration).then(found =>
    found === 'away' ? server : { ...server, endSessionEndpoint: found },
  )
  return { ...discovery, completed }
}

/** `away` where the OpenID configuration could not be read: what was known stays. */
async function findEndSession(
  get: Get,
  server: AuthorizationServer,
  registration: Registration,
): Promise<string | undefined | 'away'> {
  try {
    const url = buildOpenidConfigurationUrl(server, registration)
    const answer = await get(url, { headers: { accept: 'application/json' } })
    if (!isDescription(answer)) return isMissing(answer) ? undefined : 'away'
    const bare = { ...server, endSessionEndpoint: undefined }
    return applyOpenidConfiguration(bare, readObject(answer), registration).endSessionEndpoint
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return 'away'
  }
}
