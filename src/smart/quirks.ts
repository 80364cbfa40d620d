// Each known habit of an EHR that the strict rules would refuse, as a named setting: its default, what
// it relaxes, who needs it. There is none, and may be none, for state, PKCE, or the signature and
// audience of an id_token. Pure: no I/O, no clock (docs/configuration.md, habits of EHRs).

import { z } from 'zod'
import type { Quirks } from './types.ts'

/** The strict rules, in force unless a registration says otherwise. */
export const strictQuirks: Quirks = {
  basicEncoding: 'form',
  includeClientIdInBody: false,
  audienceName: 'aud',
  scopeVersion: 'asWritten',
  tokenTypeOptional: false,
  scopeArray: 'refuse',
  createdStatus: 'refuse',
  issuerTrailingSlash: 'exact',
  httpAddresses: 'refuse',
  clockSkewSeconds: 60,
  patientFromFhirUser: false,
}

export interface QuirkDescription {
  name: keyof Quirks
  relaxes: string
  neededBy: string
}

export const quirkTable: readonly QuirkDescription[] = [
  {
    name: 'basicEncoding',
    relaxes: '`raw` sends Basic credentials as they are instead of form-encoded (RFC 6749 2.3.1)',
    neededBy: 'Epic',
  },
  {
    name: 'includeClientIdInBody',
    relaxes: 'sends client_id in the body of token requests too',
    neededBy: 'OpenEMR, at refresh',
  },
  {
    name: 'audienceName',
    relaxes:
      'sends what `aud` says to the authorization endpoint as `audience` or `resource` (RFC 8707) too, for servers that are no SMART servers',
    neededBy: 'Auth0 (`audience`), AD FS (`resource`)',
  },
  {
    name: 'assertionAudience',
    relaxes: 'names another `aud` of the client assertion than the token URL',
    neededBy: 'servers that stand behind a gateway with another address, or ask for their issuer',
  },
  {
    name: 'assertionJku',
    relaxes: 'sends this `jku` header: the address of our key set, as registered',
    neededBy: 'servers with several key sets for one client',
  },
  {
    name: 'scopeVersion',
    relaxes: '`v1` asks in the syntax of SMART 1, which can be wider than what was written',
    neededBy: 'Google Cloud Healthcare, AWS HealthLake, DSTU2 servers',
  },
  {
    name: 'tokenTypeOptional',
    relaxes: 'takes a token answer without token_type, or of the type BearerToken, as Bearer',
    neededBy: 'Apigee, home-made authorization servers',
  },
  {
    name: 'scopeArray',
    relaxes: '`join` takes a list of scopes in place of one text',
    neededBy: 'home-made authorization servers',
  },
  {
    name: 'createdStatus',
    relaxes: '`accept` takes a token answer with status 201 instead of 200',
    neededBy: 'gateways that answer each POST so',
  },
  {
    name: 'issuerTrailingSlash',
    relaxes:
      '`ignore` compares the issuer of id_tokens, and of answers that name one, without one trailing slash',
    neededBy: 'Azure, MEDITECH',
  },
  {
    name: 'httpAddresses',
    relaxes:
      '`asHttps` reads an http address of its documents and redirects as https, where that is one of its origins',
    neededBy: 'servers behind a proxy that ends TLS: IdentityServer, Keycloak, HAPI',
  },
  {
    name: 'clockSkewSeconds',
    relaxes:
      'how far the clock that writes id_tokens and logout tokens may be off ours, in seconds: 60 unless told, 300 at most',
    neededBy: 'servers in hospitals that keep a time of their own',
  },
  {
    name: 'patientFromFhirUser',
    relaxes: 'takes the patient from a verified `fhirUser` where the answer names none',
    neededBy: 'MEDENT',
  },
]

/** The quirks of one registration as they are written: none is required. */
export const quirksSchema = z.strictObject({
  basicEncoding: z.enum(['form', 'raw']).optional(),
  includeClientIdInBody: z.boolean().optional(),
  audienceName: z.enum(['aud', 'audience', 'resource']).optional(),
  assertionAudience: z.url().max(2048).optional(),
  assertionJku: z.url().max(2048).optional(),
  scopeVersion: z.enum(['asWritten', 'v1']).optional(),
  tokenTypeOptional: z.boolean().optional(),
  scopeArray: z.enum(['refuse', 'join']).optional(),
  createdStatus: z.enum(['refuse', 'accept']).optional(),
  issuerTrailingSlash: z.enum(['exact', 'ignore']).optional(),
  httpAddresses: z.enum(['refuse', 'asHttps']).optional(),
  clockSkewSeconds: z.number().int().min(60).max(300).optional(),
  patientFromFhirUser: z.boolean().optional(),
})

/** All quirks of a registration: the strict rule wherever nothing else is written. */
export function resolveQuirks(written: Partial<Quirks> = {}): Quirks {
  const given = Object.entries(written).filter(([, value]) => value !== undefined)
  return { ...strictQuirks, ...Object.fromEntries(given) }
}
