// The parties of an event: the EHR, our registration there, and whoever uses an access token. Calls have
// them as text that is made once for each EHR and each session. Pure: no I/O, no clock.

import type { Whose } from '../observer.ts'
import { agents, networks, sessionUri, URI_SYSTEM } from './terms.ts'

/** An EHR, and how we are registered there. */
export interface AuditedEhr {
  /** Registration id. */
  id: string
  /** FHIR base URL. */
  iss: string
  clientId?: string
}

/** The EHR as an agent. */
export function serverOf({ id, iss }: AuditedEhr, type: object) {
  const network = { address: new URL(iss).host, type: networks.name }
  const who = { identifier: { system: URI_SYSTEM, value: iss } }
  return { type, who, name: id, requestor: false, network }
}

/** Our registration as an agent, but for its network: that is the caller's. */
export function clientOf({ iss, clientId }: AuditedEhr, type: object) {
  const who = { identifier: { system: iss, value: clientId ?? 'unknown' } }
  return { type, who, requestor: false }
}

/** The user by FHIR reference and by what the EHR's id_token names; never by name. */
export function userOf({ identity }: Whose) {
  if (identity === undefined) return undefined
  const { iss, sub, fhirUser } = identity
  return { reference: fhirUser, identifier: { system: iss, value: sub } }
}

/** Which way BALP has the data flow: the client is its destination, its source, or neither. */
export type Flow = 'read' | 'write' | 'delete'

/** What all calls to an EHR have in common. */
export interface EhrTexts {
  iss: string
  /** Client and server: what comes before the caller's network, and what comes after it. */
  agents: Record<Flow, { before: string; after: string }>
}

/** What all calls by the same tokens have in common. */
export interface SessionTexts {
  /** The user as the agent who gets to see something, and who makes something; empty where nobody is known. */
  recipient: string
  author: string
  /** Id of the launch's patient. */
  patient?: string
}

/** Writes what all calls to an EHR have in common. */
export function writeEhr(ehr: AuditedEhr): EhrTexts {
  const { source, destination, application, custodian } = agents
  const write = (client: object, server: object) => ({
    before: `${JSON.stringify(clientOf(ehr, client)).slice(0, -1)},"network":`,
    after: `},${JSON.stringify(serverOf(ehr, server))}`,
  })
  return {
    iss: bare(ehr.iss),
    agents: {
      read: write(destination, source),
      write: write(source, destination),
      delete: write(application, custodian),
    },
  }
}

/** Writes what all calls of a session have in common; a host's own sessions have no pseudonym here. */
export function writeSession(whose: Whose, session: string | undefined): SessionTexts {
  const who = userOf(whose)
  const policy = session === undefined ? undefined : [sessionUri(session)]
  const write = (type: object) => `,${JSON.stringify({ type, who, requestor: true, policy })}`
  const id = whose.context?.patient
  const patient = id === undefined ? undefined : bare(id)
  if (who === undefined) {
    const somebody = policy ? write(agents.token) : ''
    return { recipient: somebody, author: somebody, patient }
  }
  return {
    recipient: write(policy ? agents.recipientByToken : agents.recipient),
    author: write(policy ? agents.authorByToken : agents.author),
    patient,
  }
}

/** A text as it stands between quotation marks. */
function bare(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
