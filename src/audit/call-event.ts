// The audit event of a proxied call, by BALP's profiles of reads, queries, creations, updates and deletions.
// One is built with each call, so whatever several have in common is text already: of an EHR, of a
// session, of an interaction. Pure: no I/O; the clock is passed in.

import type { Whose } from '../observer.ts'
import { findInteraction, type Interaction, type InteractionCode, READS } from './interaction.ts'
import {
  type AuditedEhr,
  type EhrTexts,
  type Flow,
  type SessionTexts,
  writeEhr,
  writeSession,
} from './parties.ts'
import { createSearchReader, type ParameterRule } from './search.ts'
import { entities, events, networkOf, type Outcome, profileUrl, sourceOf } from './terms.ts'

/** A call as it was asked for. */
export interface AuditedCall {
  /** Registration id. */
  ehr: string
  /** Pseudonym of the session; none where a host keeps the sessions. */
  session: string | undefined
  /** The same object as long as the tokens are the same: what is written of it is kept by it. */
  whose: Whose
  /** As it was judged, and its addresses are the EHR's again. */
  asked: {
    readonly method: string
    readonly target: { readonly path: string; readonly query: string }
    /** Parameters of a search that came in its body, where they were read. */
    readonly form?: string
  }
  /** As the log tells it. */
  caller: string
  requestId: string
}

/** What became of a call. */
export interface CallOutcome {
  outcome: Outcome
  /** A code of ours or `HTTP` and a status, where it did not go well. */
  reason?: string
  /** `Location` or `Content-Location` of the EHR: what was made has its id and version there. */
  location?: string
}

export interface CallEventOptions {
  publicUrl: string
  ehrs: readonly AuditedEhr[]
  parameters: ParameterRule
  /** Milliseconds since the epoch. */
  now: () => number
}

const json = JSON.stringify
const LOCATION =
  /\/([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/([A-Za-z0-9.-]{1,64}))?$/
const PROFILES: Partial<
  Record<InteractionCode, 'Read' | 'Query' | 'Create' | 'Update' | 'Delete'>
> = {
  ...{ read: 'Read', vread: 'Read', 'search-type': 'Query', 'search-system': 'Query' },
  ...{ create: 'Create', update: 'Update', patch: 'Update', delete: 'Delete' },
}
const ACTIONS: Partial<Record<InteractionCode, 'C' | 'U' | 'D' | 'E'>> = {
  ...{ create: 'C', update: 'U', patch: 'U', delete: 'D' },
  ...{ 'search-type': 'E', 'search-system': 'E', operation: 'E', batch: 'E', other: 'E' },
}
const AUTHORED: ReadonlySet<string> = new Set(['C', 'U', 'D'])

const OBJECT = json(entities.object)
const QUERY_HEAD = `{"type":${OBJECT},"role":${json(entities.query)},"query":"`
const DATA_TAIL = `"},"type":${OBJECT},"role":${json(entities.resource)}`
const PATIENT_TAIL = `","type":"Patient"},"type":${json(entities.person)},"role":${json(entities.patient)}}`
const REQUEST_TAIL = `}},"type":${json(entities.requestId)}}`

/** Makes the builder of events, each the JSON of one line. */
export function createCallEvents({ publicUrl, ehrs, parameters, now }: CallEventOptions) {
  const ehrTexts = new Map(ehrs.map(ehr => [ehr.id, writeEhr(ehr)]))
  const sessionTexts = new WeakMap<Whose, SessionTexts>()
  /** By all that they say: an interaction, and which profiles hold. */
  const heads = new Map<string, string>()
  const source = json(sourceOf(publicUrl))
  const readSearch = createSearchReader(parameters)

  /** The event of a call to a registered EHR: of its end, or without one of what is about to be sent. */
  return function build(call: AuditedCall, end: CallOutcome | undefined): string {
    const { asked, session, whose, caller, requestId } = call
    const { method, target, form = target.query } = asked
    const interaction = findInteraction(method, target.path)
    const { code } = interaction
    const ehr = ehrTexts.get(call.ehr) as EhrTexts
    const user = textsOf(whose, session)
    const search = PROFILES[code] === 'Query' ? readSearch(form, interaction.type) : undefined
    const patient = choosePatient(interaction, search?.patient, user)
    const head = headOf(code, {
      isDone: end?.outcome === '0',
      hasPatient: patient !== undefined,
      hasToken: session !== undefined,
    })
    const { before, after } = ehr.agents[flowOf(code)]
    const agent = `${before}${json(networkOf(caller))}${after}${AUTHORED.has(actionOf(code)) ? user.author : user.recipient}`
    const what = search
      ? `${QUERY_HEAD}${encode(printPath(interaction) + search.told)}"}`
      : writeData(interaction, ehr.iss, end)
    const whom = patient === undefined ? '' : `,${writePatient(ehr.iss, patient)}`
    return (
      `${head},"recorded":"${new Date(now()).toISOString()}"${writeEnd(end)},"agent":[${agent}],` +
      `"source":${source},"entity":[${what}${whom},{"what":{"identifier":{"value":${json(requestId)}${REQUEST_TAIL}]}`
    )
  }

  function textsOf(whose: Whose, session: string | undefined): SessionTexts {
    const known = sessionTexts.get(whose)
    if (known !== undefined) return known
    const made = writeSession(whose, session)
    sessionTexts.set(whose, made)
    return made
  }

  function headOf(
    code: InteractionCode,
    { isDone, hasPatient, hasToken }: Record<'isDone' | 'hasPatient' | 'hasToken', boolean>,
  ): string {
    const key = `${code} ${isDone} ${hasPatient} ${hasToken}`
    const known = heads.get(key)
    if (known !== undefined) return known
    // The profiles are of what went well.
    const name = isDone ? PROFILES[code] : undefined
    const profile = [
      ...(name ? [profileUrl(`IHE.BasicAudit.${hasPatient ? 'Patient' : ''}${name}`)] : []),
      ...(hasToken ? [profileUrl('IHE.BasicAudit.OAUTHaccessTokenUse.Opaque')] : []),
    ]
    const made = json({
      resourceType: 'AuditEvent',
      meta: profile.length > 0 ? { profile } : undefined,
      type: events.rest,
      subtype: code === 'other' ? undefined : [events.interaction(code)],
      action: actionOf(code),
    }).slice(0, -1)
    heads.set(key, made)
    return made
  }
}

function actionOf(code: InteractionCode): string {
  return ACTIONS[code] ?? 'R'
}

function flowOf(code: InteractionCode): Flow {
  if (code === 'delete') return 'delete'
  return READS.has(code) && PROFILES[code] !== 'Query' ? 'read' : 'write'
}

/** Whose record it is: as the request says, else the launch. */
function choosePatient(
  { type, id, compartment }: Interaction,
  searched: string | undefined,
  ofSession: SessionTexts,
): string | undefined {
  if (id !== undefined && (compartment ?? type) === 'Patient') return id
  if (searched !== undefined) return searched === 'several' ? undefined : searched
  return ofSession.patient
}

function writeEnd(end: CallOutcome | undefined): string {
  if (end === undefined) return ''
  const { outcome, reason } = end
  return `,"outcome":"${outcome}"${reason === undefined ? '' : `,"outcomeDesc":"${reason}"`}`
}

function writePatient(iss: string, id: string): string {
  return `{"what":{"reference":"${iss}/Patient/${id}${PATIENT_TAIL}`
}

function writeData(
  { code, type, id, version, operation }: Interaction,
  iss: string,
  end: CallOutcome | undefined,
): string {
  const name = operation === undefined ? '' : `,"name":"${operation}"`
  if (type === undefined) {
    return `{"what":{"display":"${code === 'batch' ? 'Bundle' : code}${DATA_TAIL}${name}}`
  }
  const made = end?.location === undefined ? null : LOCATION.exec(end.location)
  const isMade = made !== null && made[1] === type && (id === undefined || made[2] === id)
  const [ofId, ofVersion] = isMade ? [made[2], made[3]] : [id, version]
  if (ofId === undefined) return `{"what":{"type":"${type}","display":"${type}${DATA_TAIL}${name}}`
  const history = ofVersion === undefined ? '' : `/_history/${ofVersion}`
  return `{"what":{"reference":"${iss}/${type}/${ofId}${history}","type":"${type}${DATA_TAIL}${name}}`
}

function printPath({ compartment, type, id }: Interaction): string {
  return [compartment, id, type].filter(part => part !== undefined).join('/')
}

/** Something has to be there: a search of everything is asked of the base. */
function encode(text: string): string {
  return Buffer.from(text || '/', 'latin1').toString('base64')
}
