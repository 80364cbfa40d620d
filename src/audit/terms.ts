// The words of audit events: profiles of IHE's Basic Audit Log Patterns 1.1.4, codes of FHIR R4, DICOM and
// IHE, each as the JSON that stands in an event. Pure: no I/O, no clock.

const BALP = 'https://profiles.ihe.net/ITI/BALP'
const DCM = 'http://dicom.nema.org/resources/ontology/DCM'
const HL7 = 'http://terminology.hl7.org/CodeSystem'

/** The canonical address of a profile of BALP. */
export function profileUrl(name: string): string {
  return `${BALP}/StructureDefinition/${name}`
}

const coding = (system: string, code: string) => ({ system, code })
const concept = (...codings: object[]) => ({ coding: codings })

/** An event's type and subtype. */
export const events = {
  rest: coding(`${HL7}/audit-event-type`, 'rest'),
  authentication: coding(DCM, '110114'),
  login: coding(DCM, '110122'),
  logout: coding(DCM, '110123'),
  alert: coding(DCM, '110113'),
  restrictedFunction: coding(DCM, '110132'),
  getAccessToken: coding('urn:ihe:event-type-code', 'ITI-71'),
  interaction: (code: string) => coding('http://hl7.org/fhir/restful-interaction', code),
}

const participation = `${HL7}/v3-ParticipationType`
const oauthUser = coding(`${BALP}/CodeSystem/UserAgentTypes`, 'UserOauthAgent')

/** An agent's type. */
export const agents = {
  source: concept(coding(DCM, '110153')),
  destination: concept(coding(DCM, '110152')),
  application: concept(coding(DCM, '110150')),
  custodian: concept(coding(`${HL7}/provenance-participant-type`, 'custodian')),
  authorizationServer: concept(coding(`${BALP}/CodeSystem/UserAgentTypes`, 'AuthzOauthService')),
  human: concept(coding(`${HL7}/extra-security-role-type`, 'humanuser')),
  /** Who gets to see something; the second one by an access token. */
  recipient: concept(coding(participation, 'IRCP')),
  recipientByToken: concept(coding(participation, 'IRCP'), oauthUser),
  /** Who makes, changes or removes something. */
  author: concept(coding(participation, 'AUT')),
  authorByToken: concept(coding(participation, 'AUT'), oauthUser),
  /** Whoever it is that has the access token. */
  token: concept(oauthUser),
}

/** What an entity is, and what it is in the event. */
export const entities = {
  person: coding(`${HL7}/audit-entity-type`, '1'),
  object: coding(`${HL7}/audit-entity-type`, '2'),
  requestId: coding(`${BALP}/CodeSystem/BasicAuditEntityType`, 'XrequestId'),
  patient: coding(`${HL7}/object-role`, '1'),
  resource: coding(`${HL7}/object-role`, '4'),
  query: coding(`${HL7}/object-role`, '24'),
}

/** FHIR's outcomes; there is none of what has not come to its end. */
export type Outcome = '0' | '4' | '8'

/** How something went by its status: what was answered well, what the caller got wrong, what we or the EHR did. */
export function outcomeOf(status: number): Outcome {
  if (status < 400) return '0'
  return status < 500 ? '4' : '8'
}

/** Kinds of network addresses. */
export const networks = { name: '1', ip: '2', uri: '5' } as const

/** Of an identifier that is an address. */
export const URI_SYSTEM = 'urn:ietf:rfc:3986'

/** How a session is named in events: by its pseudonym, as in the log. */
export function sessionUri(pseudonym: string): string {
  return `urn:fhirstorm:session:${pseudonym}`
}

/** What records: the broker, by its public URL. */
export function sourceOf(publicUrl: string) {
  return {
    observer: { identifier: { system: URI_SYSTEM, value: publicUrl } },
    type: [coding(`${HL7}/security-source-type`, '4')],
  }
}

/** The network address of a caller as the log tells it: IPv4, or the first half of IPv6. */
export function networkOf(caller: string): { address: string; type?: string } {
  if (caller.includes(':')) return { address: `${caller}::/64`, type: networks.ip }
  return caller === 'unknown' ? { address: caller } : { address: caller, type: networks.ip }
}
