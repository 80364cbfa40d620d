// A look at an EHR that is not registered yet: the same discovery as at a launch, with the origins
// that its documents name learned along the way. For an operator's eyes (`fhirstorm discover`), never
// for a launch. The network and the time are passed in.

import { BrokerError } from '../../errors.ts'
import { discover } from '../discovery/discovery.ts'
import { canonicalIssuer, isLoopbackHost, isRegistrableIssuer } from '../issuer.ts'
import { isRecord, parseJsonObject } from '../json.ts'
import { resolveQuirks } from '../quirks.ts'
import type { AuthorizationServer, NetworkPolicy, ProtocolFetch, Registration } from '../types.ts'

/** What an EHR says of itself. */
export interface Survey {
  /** The FHIR base that was asked. */
  iss: string
  /** Each question with its answer's status, or the code it was refused with. */
  asked: readonly { url: string; answer: string }[]
  /** Where the endpoints that would be used lie, the FHIR base's own origin left out. */
  origins: readonly string[]
  /** What the entry must say to reach it; a name of a file, not its text. */
  network?: { reach: NetworkPolicy['reach']; caFile?: string }
  outcome: { usable: true; server: AuthorizationServer } | { usable: false; error: BrokerError }
}

export interface SurveyContext {
  network: NetworkPolicy
  /** Opens the guarded network to a registration. */
  open: (registration: Registration) => ProtocolFetch
  /** Milliseconds since the epoch. */
  now: () => number
}

const NAMES = [
  ...['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'revocation_endpoint'],
  ...['end_session_endpoint', 'pushed_authorization_request_endpoint'],
]
const MAX_ROUNDS = 3

/**
 * The FHIR base in what an operator typed: as it is, or with the name of one of its documents behind
 * it. Undefined when it could not be registered.
 */
export function parseFhirBase(text: string): string | undefined {
  const iss = text.replace(/\/(metadata|\.well-known\/(smart|openid)-configuration)$/, '')
  return isRegistrableIssuer(iss) ? iss : undefined
}

/** Asks an EHR how it authorizes, and again while its documents name origins not known before. */
export async function surveyEhr(
  iss: string,
  { network, open, now }: SurveyContext,
): Promise<Survey> {
  const own = new URL(iss).origin
  let origins = [own]
  for (let round = 1; ; round++) {
    const registration = draftRegistration(iss, origins, network)
    const asked: { url: string; answer: string }[] = []
    const named = new Set(origins)
    const fetch = observe(open(registration), (url, answer, document) => {
      asked.push({ url, answer })
      for (const origin of namedOrigins(document)) named.add(origin)
    })
    const outcome = await attempt(registration, fetch, now)
    if (named.size === origins.length || round === MAX_ROUNDS) {
      const used = outcome.usable ? usedOrigins(outcome.server, asked) : []
      return { iss, asked, origins: used.filter(origin => origin !== own), outcome }
    }
    origins = [...named]
  }
}

/** What a registration has to pin: no more than discovery asked, and than a launch would use. */
function usedOrigins(server: AuthorizationServer, asked: Survey['asked']): readonly string[] {
  const urls = [
    ...asked.map(({ url }) => url),
    ...[server.authorizationEndpoint, server.tokenEndpoint, server.jwksUri],
    ...[server.revocationEndpoint, server.endSessionEndpoint],
    server.pushedAuthorizationRequestEndpoint,
  ].filter(url => url !== undefined)
  return [...new Set(urls.map(url => new URL(url).origin))]
}

async function attempt(
  registration: Registration,
  fetch: ProtocolFetch,
  now: () => number,
): Promise<Survey['outcome']> {
  try {
    const { server, completed } = await discover(registration, { fetch, now })
    return { usable: true, server: (await completed) ?? server }
  } catch (error) {
    if (error instanceof BrokerError) return { usable: false, error }
    throw error
  }
}

function observe(
  fetch: ProtocolFetch,
  note: (url: string, answer: string, document: unknown) => void,
): ProtocolFetch {
  return async (url, request) => {
    try {
      const response = await fetch(url, request)
      const body = new Uint8Array(await response.clone().arrayBuffer())
      const document = parseJsonObject(body, response.headers.get('content-type'))
      note(url, String(response.status), document.kind === 'object' ? document.object : undefined)
      return response
    } catch (error) {
      note(url, error instanceof BrokerError ? error.code : 'failed', undefined)
      throw error
    }
  }
}

/** Origins of the members that a launch uses, in a smart-configuration or in a statement. */
function namedOrigins(document: unknown): string[] {
  if (!isRecord(document)) return []
  const values = NAMES.map(name => document[name])
  return [...values, ...statementUris(document.rest)].flatMap(value => {
    const text =
      typeof value === 'string' ? canonicalIssuer(value.split(/[?#]/, 1)[0] ?? '') : undefined
    if (text === undefined || !URL.canParse(text)) return []
    const { origin, protocol, hostname } = new URL(text)
    return protocol === 'https:' || isLoopbackHost(hostname) ? [origin] : []
  })
}

function statementUris(rest: unknown): unknown[] {
  if (!Array.isArray(rest)) return []
  return rest.flatMap(entry => {
    const security = isRecord(entry) ? entry.security : undefined
    return isRecord(security) ? extensionUris(security.extension) : []
  })
}

function extensionUris(extensions: unknown): unknown[] {
  if (!Array.isArray(extensions)) return []
  return extensions.filter(isRecord).flatMap(({ url, valueUri, extension }) => {
    const used = /(^|#)(authorize|token|revoke)$/.test(String(url))
    return [...(used ? [valueUri] : []), ...extensionUris(extension)]
  })
}

function draftRegistration(
  iss: string,
  origins: readonly string[],
  network: NetworkPolicy,
): Registration {
  return {
    ...{ id: 'survey', name: 'survey', iss, clientId: '', redirectUri: '', origins, network },
    ...{ clientAuth: { method: 'client_secret_basic', secret: '' }, quirks: resolveQuirks() },
    ...{ scope: 'openid', aud: 'iss', idToken: 'verify', requirePatient: false, issuers: [] },
    ...{
      baseAliases: [],
      embedded: false,
      rewrite: true,
      upstreamCompression: 'identity',
      extras: [],
    },
  }
}
