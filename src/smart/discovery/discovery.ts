// How an EHR authorizes, found out from its FHIR base: `.well-known/smart-configuration`; where that
// is missing or no JSON, `metadata`; and OpenID discovery where id_tokens need it. No description is
// a refusal (docs/conformance.md, F7). The network and the time are passed in; each call has its own
// deadline and all together have one more.

import { BrokerError } from '../../errors.ts'
import { type JsonDocument, parseJsonObject } from '../json.ts'
import type { AuthorizationServer, ProtocolFetch, Registration } from '../types.ts'
import { parseCapabilityStatement } from './capability-statement.ts'
import {
  applyOpenidConfiguration,
  buildOpenidConfigurationUrl,
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
  const get = createGet(registration, fetch, now)
  const base = registration.iss.replace(/\/$/, '')
  const smart = await get(`${base}/.well-known/smart-configuration`, {
    headers: { accept: 'application/json', ...ifNoneMatch(previous) },
  })
  if (smart.status === 304 && previous !== undefined) return previous
  const described = isDescription(smart)
    ? parseSmartConfiguration(readObject(smart), registration)
    : await readMetadata(get, base, smart, registration)
  if (!needsOpenidConfiguration(described, registration)) {
    const etag = described.source === 'smart-configuration' ? smart.etag : undefined
    return { server: described, etag }
  }
  return { server: await completeWithOpenid(get, described, registration) }
}

interface Answer {
  name: string
  ehr: string
  status: number
  etag?: string
  document: JsonDocument
}

type Get = (
  url: string,
  request: { headers: Record<string, string>; maxBytes?: number },
) => Promise<Answer>

function createGet({ id }: Registration, fetch: ProtocolFetch, now: () => number): Get {
  const end = now() + TOTAL_MS
  return async (url, { headers, maxBytes = SMALL_BYTES }) => {
    const timeoutMs = Math.max(1, Math.min(CALL_MS, end - now()))
    const response = await fetch(url, { headers, maxBytes, timeoutMs, badAnswer: 'bad_metadata' })
    const body = new Uint8Array(await response.arrayBuffer())
    return {
      name: url.slice(url.lastIndexOf('/') + 1),
      ehr: id,
      status: response.status,
      etag: response.headers.get('etag') ?? undefined,
      document: parseJsonObject(body),
    }
  }
}

function ifNoneMatch(previous: Discovery | undefined): Record<string, string> {
  return previous?.etag === undefined ? {} : { 'if-none-match': previous.etag }
}

/** Whether an answer is meant as the document asked for: JSON, and no FHIR resource such as an error. */
function isDescription({ status, document }: Answer): boolean {
  if (status !== 200 || document.kind === 'other') return false
  return document.kind === 'bad' || document.object.resourceType === undefined
}

function readObject({ name, ehr, document }: Answer): Readonly<Record<string, unknown>> {
  if (document.kind === 'object') return document.object
  throw new BrokerError('bad_metadata', { ehr, detail: `${name} is broken JSON` })
}

async function readMetadata(
  get: Get,
  base: string,
  smart: Answer,
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
  if (isBusy(answer) || isBusy(smart)) {
    throw new BrokerError('issuer_busy', { ehr: registration.id, detail: 'discovery' })
  }
  throw new BrokerError('no_oauth_metadata', {
    ehr: registration.id,
    detail: `smart-configuration: status ${smart.status}, metadata: status ${answer.status}, no JSON`,
  })
}

async function completeWithOpenid(
  get: Get,
  server: AuthorizationServer,
  registration: Registration,
): Promise<AuthorizationServer> {
  const url = buildOpenidConfigurationUrl(server, registration)
  const answer = await get(url, { headers: { accept: 'application/json' } })
  if (isDescription(answer)) {
    return applyOpenidConfiguration(server, readObject(answer), registration)
  }
  if (isBusy(answer)) {
    throw new BrokerError('issuer_busy', { ehr: registration.id, detail: 'OpenID discovery' })
  }
  const detail = 'neither keys nor an OpenID configuration: id_tokens cannot be verified'
  if (registration.idToken === 'require') {
    throw new BrokerError('bad_metadata', { ehr: registration.id, detail })
  }
  return { ...server, warnings: [...server.warnings, detail] }
}

function isBusy({ status }: Answer): boolean {
  return status === 429 || status >= 500
}
