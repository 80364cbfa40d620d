// What `metadata` says of a face: a CapabilityStatement, or DSTU2's Conformance, each with SMART's
// oauth-uris extension. Pure.

import type { Document, FhirVersion, Site } from '../faces/face.ts'
import { dstu2Types, findDstu2Type } from './dstu2-requests.ts'
import { resourceTypes, searchParameters } from './search-parameters.ts'

export const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

const READING = ['read', 'search-type']
const WRITING = ['create', 'update', 'patch', 'delete']

/** The statement of a face as it is without any fault. */
export function buildCapabilityStatement(site: Site, date: string): Document {
  const fhirVersion = site.face.fhirVersion ?? '4.0.1'
  const isDstu2 = fhirVersion === '1.0.2'
  return {
    resourceType: isDstu2 ? 'Conformance' : 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    software: { name: 'fhirstorm sandbox' },
    implementation: { description: 'Sandbox EHR with synthetic patients', url: site.base },
    fhirVersion,
    ...(isDstu2 ? { acceptUnknown: 'no' } : {}),
    format: isDstu2
      ? ['application/json+fhir', 'application/xml+fhir']
      : ['application/fhir+json', 'application/fhir+xml'],
    rest: [
      {
        mode: 'server',
        security: {
          cors: false,
          service: [buildService(fhirVersion)],
          extension: [buildOauthUris(site)],
        },
        resource: isDstu2
          ? dstu2Types.map(type => describeDstu2Type(type))
          : resourceTypes.map(type => describeType(type, [...READING, ...WRITING])),
        ...(isDstu2 ? {} : { interaction: [{ code: 'transaction' }, { code: 'batch' }] }),
      },
    ],
  }
}

/** The extension that names the authorization server's endpoints. */
export function buildOauthUris({ endpoints }: Site): { url: string; extension: Document[] } {
  return {
    url: OAUTH_URIS,
    extension: [
      { url: 'authorize', valueUri: endpoints.authorize },
      { url: 'token', valueUri: endpoints.token },
      { url: 'introspect', valueUri: endpoints.introspect },
      { url: 'revoke', valueUri: endpoints.revoke },
    ],
  }
}

function buildService(version: FhirVersion): Document {
  const system =
    version === '4.0.1'
      ? 'http://terminology.hl7.org/CodeSystem/restful-security-service'
      : 'http://hl7.org/fhir/restful-security-service'
  return {
    coding: [{ system, code: 'SMART-on-FHIR', display: 'SMART-on-FHIR' }],
    text: 'OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)',
  }
}

function describeDstu2Type(type: string): Document {
  const { stored = type, parameters = {} } = findDstu2Type(type) ?? {}
  const then = new Map(Object.entries(parameters).map(([name, now]) => [now, name]))
  const searchParam = [...(searchParameters.get(stored) ?? [])].map(([name, { kind }]) => {
    return { name: then.get(name) ?? name, type: kind }
  })
  return { type, interaction: READING.map(code => ({ code })), searchParam }
}

function describeType(type: string, codes: readonly string[]): Document {
  const parameters = [...(searchParameters.get(type) ?? [])]
  return {
    type,
    interaction: codes.map(code => ({ code })),
    ...(codes.includes('create')
      ? {
          versioning: 'versioned',
          readHistory: false,
          updateCreate: true,
          conditionalCreate: true,
          conditionalRead: 'full-support',
        }
      : {}),
    searchParam: parameters.map(([name, { kind }]) => ({ name, type: kind })),
  }
}
