// The older way to describe an authorization server: the `oauth-uris` extension in `metadata`, the
// same in DSTU2's Conformance and in CapabilityStatement since STU3 (docs/conformance.md, LD-01 to LD-11). A
// server without it has no authorization, which here is a refusal and never an open door. Pure.

import { BrokerError } from '../../errors.ts'
import { isRecord } from '../json.ts'
import type { AuthorizationServer } from '../types.ts'
import { type Pins, parseEndpoint, parseOptionalEndpoint } from './announced.ts'

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

// Spellings met in the field, used where the right one is missing (LD-02, LD-03).
const NESTED_PARENTS = [
  OAUTH_URIS,
  'http://DSTU2/fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
]
const FLAT_PARENTS = [
  OAUTH_URIS,
  'http://fhir-registry.smarthealthit.org/Profile/oauth-uris',
  'http://fhir-registry.smartplatforms.org/Profile/oauth-uris',
]
const CAPABILITIES = 'http://fhir-registry.smarthealthit.org/StructureDefinition/capabilities'

interface Extension {
  url: string
  value: unknown
  children: readonly Extension[]
}

type Uris = Readonly<Record<string, unknown>>

/**
 * The authorization server that a conformance statement describes. Refuses with `no_oauth_metadata`
 * (no statement, or none that says how to authorize), `bad_metadata` and `endpoint_not_pinned`.
 */
export function parseCapabilityStatement(
  document: Readonly<Record<string, unknown>>,
  pins: Pins,
): AuthorizationServer {
  const { resourceType, fhirVersion } = document
  if (resourceType !== 'CapabilityStatement' && resourceType !== 'Conformance') {
    throw new BrokerError('no_oauth_metadata', { ehr: pins.id, detail: 'metadata is no statement' })
  }
  const servers = readServers(document.rest)
  const uris = servers.flatMap(candidates).find(({ authorize, token }) => authorize && token)
  const authorizationEndpoint = parseEndpoint(uris?.authorize, 'authorize', pins)
  const tokenEndpoint = parseEndpoint(uris?.token, 'token', pins)
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined) {
    throw new BrokerError('no_oauth_metadata', { ehr: pins.id, detail: 'no complete oauth-uris' })
  }
  const warnings = ['described by metadata only: no issuer, no list of challenge methods']
  return {
    source: 'metadata',
    issuer: pins.iss,
    issuerAnnounced: false,
    authorizationEndpoint,
    tokenEndpoint,
    revocationEndpoint: parseOptionalEndpoint(uris?.revoke, 'revoke', pins, warnings),
    capabilities: servers.flatMap(readCapabilities),
    issParameterSupported: false,
    pushedAuthorizationRequestsRequired: false,
    associatedEndpoints: [],
    fhirVersion:
      typeof fhirVersion === 'string' ? /^\d+\.\d+\.\d+/.exec(fhirVersion)?.[0] : undefined,
    warnings,
  }
}

/** The security extensions of each `rest` entry that describes a server, not a client (LD-09). */
function readServers(rest: unknown): readonly (readonly Extension[])[] {
  if (!Array.isArray(rest)) return []
  return rest
    .filter(entry => isRecord(entry) && (entry.mode ?? 'server') === 'server')
    .map(({ security }) => (isRecord(security) ? readExtensions(security.extension) : []))
}

/**
 * What may be the endpoints, the right spelling first. The parent's URL decides, never the children's
 * names, which other extensions share (LD-04).
 */
function candidates(extensions: readonly Extension[]): readonly Uris[] {
  const nested = NESTED_PARENTS.flatMap(parent =>
    extensions.filter(({ url }) => url === parent).map(({ children }) => byName(children)),
  )
  const flat = FLAT_PARENTS.map(parent =>
    byName(
      extensions
        .filter(({ url }) => url.startsWith(`${parent}#`))
        .map(({ url, ...rest }) => ({ ...rest, url: url.slice(parent.length + 1) })),
    ),
  )
  return [...nested, ...flat]
}

function byName(extensions: readonly Extension[]): Uris {
  const { authorize, token, revoke } = Object.fromEntries(
    // The first of a name counts, as it does for every client that looks it up.
    extensions.toReversed().map(({ url, value }) => [url, value]),
  )
  return { authorize, token, revoke }
}

/** SMART 1.0's list of capabilities as extensions (LD-11). */
function readCapabilities(extensions: readonly Extension[]): string[] {
  return extensions
    .filter(({ url }) => url === CAPABILITIES)
    .map(({ value }) => value)
    .filter(value => typeof value === 'string')
}

function readExtensions(value: unknown): readonly Extension[] {
  if (!Array.isArray(value)) return []
  return value.flatMap(item => {
    if (!isRecord(item) || typeof item.url !== 'string') return []
    const { url, valueUri, valueCode, extension } = item
    return [{ url, value: valueUri ?? valueCode, children: readExtensions(extension) }]
  })
}
