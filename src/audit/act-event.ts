// The audit events of acts: logins and renewals by BALP's IUA.71 where they went well, logouts and endings as
// DICOM's Logout, acts of an administrator as its use of a restricted function. Pure: no I/O; the clock is
// passed in.

import type { Act } from '../observer.ts'
import { type AuditedEhr, clientOf, serverOf, userOf } from './parties.ts'
import {
  agents,
  entities,
  events,
  networkOf,
  networks,
  type Outcome,
  profileUrl,
  sessionUri,
  sourceOf,
  URI_SYSTEM,
} from './terms.ts'

export interface ActEventOptions {
  publicUrl: string
  ehrs: readonly AuditedEhr[]
  /** Milliseconds since the epoch. */
  now: () => number
}

/** What the acts differ in. */
interface Kind {
  type: object
  subtype: object
  outcome: Outcome
  /** Whether the reason says why it did not go well, and not how it came about. */
  isFault: boolean
  profile?: string
}

/** Makes the builder of events, each the JSON of one line. */
export function createActEvents({ publicUrl, ehrs, now }: ActEventOptions) {
  const byId = new Map(ehrs.map(ehr => [ehr.id, ehr]))
  const source = sourceOf(publicUrl)
  const ourselves = { address: publicUrl, type: networks.uri }

  /** The event of an act; its EHR may be none that is registered any more. */
  return function build(act: Act): string {
    const kind = kindOf(act)
    return JSON.stringify({
      resourceType: 'AuditEvent',
      meta: kind.profile && { profile: [profileUrl(kind.profile)] },
      type: kind.type,
      subtype: [kind.subtype],
      action: 'E',
      recorded: new Date(now()).toISOString(),
      outcome: kind.outcome,
      outcomeDesc: kind.isFault ? act.reason : undefined,
      agent: listAgents(act),
      source,
      entity: listEntities(act, kind),
    })
  }

  function listAgents(act: Act): object[] {
    const ehr = act.ehr === undefined ? undefined : byId.get(act.ehr)
    const network = act.caller === undefined ? ourselves : networkOf(act.caller)
    const policy = act.session === undefined ? undefined : [sessionUri(act.session)]
    const who = act.whose && userOf(act.whose)
    const isLogin = act.act !== 'logout' && act.act !== 'ending'
    if (act.act === 'administration') {
      const operator = { type: agents.human, who: { display: 'administrator' } }
      return [{ ...operator, requestor: true, network }, ...(ehr ? [ofEhr(ehr, false)] : [])]
    }
    // Back-channel logout: the EHR calls.
    if (act.act === 'logout' && act.reason === 'ehr' && ehr) return [ofEhr(ehr, true, network)]
    const type = agents.application
    const client = ehr ? clientOf(ehr, type) : { type, who: { identifier: ourIdentifier() } }
    const isOurs = who === undefined
    return [
      // Whoever asks names the session.
      { ...client, requestor: isOurs, policy: isOurs ? policy : undefined, network },
      ...(ehr && isLogin ? [ofEhr(ehr, false)] : []),
      ...(who ? [{ type: agents.recipient, who, requestor: true, policy }] : []),
    ]
  }

  function ofEhr(ehr: AuditedEhr, requestor: boolean, network?: object): object {
    const server = serverOf(ehr, agents.authorizationServer)
    return { ...server, requestor, network: network ?? server.network }
  }

  function ourIdentifier() {
    return { system: URI_SYSTEM, value: publicUrl }
  }

  /** How it came about, in words and numbers. IUA.71 has room for one entity alone. */
  function listEntities(act: Act, { profile, isFault }: Kind): object[] {
    const patient = act.whose?.context?.patient
    const iss = byId.get(act.ehr ?? '')?.iss
    const told = [
      ['reason', isFault ? undefined : act.reason],
      ['sessions', act.sessions === undefined ? undefined : String(act.sessions)],
      ['patient', patient && iss && `${iss}/Patient/${patient}`],
    ]
    if (profile !== undefined) {
      told.push(['X-Request-Id', act.requestId])
      const asked = act.act === 'renewal' ? 'refresh_token' : 'authorization_code'
      const query = Buffer.from(`grant_type=${asked}`).toString('base64')
      const detail = listDetails(told)
      return [{ type: entities.object, role: entities.query, query, detail }]
    }
    const detail = listDetails(told)
    const request = { what: { identifier: { value: act.requestId } }, type: entities.requestId }
    return [
      ...(detail ? [{ type: entities.object, detail }] : []),
      ...(act.requestId === undefined ? [] : [request]),
    ]
  }
}

function listDetails(told: readonly (string | undefined)[][]) {
  const known = told.filter(([, value]) => value !== undefined && value !== '')
  if (known.length === 0) return undefined
  return known.map(([type, valueString]) => ({ type, valueString }))
}

function kindOf({ act, reason }: Act): Kind {
  const { authentication, login, logout, alert, restrictedFunction, getAccessToken } = events
  const token = { type: authentication, subtype: getAccessToken }
  const done = { outcome: '0', isFault: false } as const
  if (act === 'login' || (act === 'renewal' && reason !== 'failed')) {
    return { ...token, ...done, profile: 'IHE.IUA.71' }
  }
  if (act === 'renewal') return { ...token, outcome: '8', isFault: true }
  if (act === 'login_failed' || act === 'denial') {
    return { type: authentication, subtype: login, outcome: '4', isFault: true }
  }
  if (act === 'administration') {
    const isRefused = reason?.endsWith('_refused') ?? false
    const outcome = isRefused ? '4' : '0'
    return { type: alert, subtype: restrictedFunction, outcome, isFault: isRefused }
  }
  const isIncomplete = reason === 'incomplete'
  const outcome = isIncomplete ? '4' : '0'
  return { type: authentication, subtype: logout, outcome, isFault: isIncomplete }
}
