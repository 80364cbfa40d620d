// Where audit events go, as the configuration names it: its files read, and one way at most to prove
// ourselves to a FHIR server.

import type { z } from 'zod'
import type { ClientAuthentication, NetworkPolicy } from '../../src/smart/types.ts'
import type { auditSchema } from './audit-schema.ts'
import { loadClientKeys } from './client-keys.ts'
import { type DocumentContext, readText } from './files.ts'
import { loadNetwork, type RegistrationContext } from './registration.ts'

type AuditDocument = z.output<typeof auditSchema>
type FhirDocument = Extract<AuditDocument, { sink: 'fhir' }>
type NamedFiles = 'tokenFile' | 'client' | 'network' | 'caFile' | 'clientCertificate' | 'proxy'

/** A client of the FHIR server's authorization server, by SMART Backend Services. */
export interface AuditClient {
  clientId: string
  tokenUrl: string
  scope: string
  auth: Extract<ClientAuthentication, { method: 'private_key_jwt' }>
}

/** A FHIR server that takes audit events. */
export interface AuditServer extends Omit<FhirDocument, NamedFiles> {
  network: NetworkPolicy
  /** Bearer token. */
  token?: string
  client?: AuditClient
}

export type AuditConfig = Exclude<AuditDocument, { sink: 'fhir' }> | AuditServer

/** Where events go, or undefined where they go nowhere or after a reported fault. */
export async function loadAudit(
  audit: AuditDocument | undefined,
  context: DocumentContext & Pick<RegistrationContext, 'keyRing'>,
): Promise<AuditConfig | undefined> {
  if (audit?.sink !== 'fhir') return audit
  const place = ['audit']
  const { tokenFile, client: _client, caFile: _ca, clientCertificate: _pair, ...rest } = audit
  if (tokenFile !== undefined && audit.client !== undefined) {
    context.report(place, 'give one of tokenFile and client, or neither')
  }
  const token = (await readText(tokenFile, ['audit', 'tokenFile'], 'secret', context))?.trim()
  if (token !== undefined && !/^[\x21-\x7e]{1,8192}$/.test(token)) {
    context.report(['audit', 'tokenFile'], 'there is no bearer token in it')
  }
  const client = await loadClient(audit, context)
  const network = await loadNetwork({ ...audit, iss: audit.url }, place, context)
  return network && { ...rest, network, token, client }
}

async function loadClient(
  { client }: FhirDocument,
  context: DocumentContext & Pick<RegistrationContext, 'keyRing'>,
): Promise<AuditClient | undefined> {
  if (client === undefined) return undefined
  const { clientId, tokenUrl, scope, ...keys } = client
  const auth = await loadClientKeys(keys, ['audit', 'client'], context)
  return auth && { clientId, tokenUrl, scope, auth }
}
