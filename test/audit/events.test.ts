// Audit events: each kind is valid by R4's schema and by the profile that it says to follow, and the checks
// that say so refuse what is not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createActEvents } from '../../src/audit/act-event.ts'
import { type AuditedCall, type CallOutcome, createCallEvents } from '../../src/audit/call-event.ts'
import { findInteraction } from '../../src/audit/interaction.ts'
import type { Act } from '../../src/observer.ts'
import { listFaults, listProfileFaults, profiles } from './profiles.ts'

const BALP = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/'
const ISS = 'https://ehr.example.org/fhir'
const options = {
  publicUrl: 'https://app.example.org',
  ehrs: [{ id: 'main', iss: ISS, clientId: 'our-app' }],
  now: () => Date.UTC(2026, 10, 27, 6, 30),
}
const hashKey = Buffer.alloc(32, 7)
const buildCall = createCallEvents({ ...options, parameters: { hashKey } })
const buildAct = createActEvents(options)

const amy = {
  identity: { iss: 'https://ehr.example.org', sub: 'u1', fhirUser: `${ISS}/Practitioner/7` },
  context: { patient: 'amy' },
}
const done: CallOutcome = { outcome: '0' }
const requests: [method: string, target: string, code: string, profile?: string][] = [
  ['GET', '/Patient/amy', 'read', 'Read'],
  ['HEAD', '/Observation/1', 'read', 'Read'],
  ['GET', '/Observation/1/_history/2', 'vread', 'Read'],
  ['GET', '/Observation?patient=amy&code=718-7', 'search-type', 'Query'],
  ['POST', '/Observation/_search', 'search-type', 'Query'],
  ['GET', '/Patient/amy/Condition', 'search-type', 'Query'],
  ['GET', '/?_type=Patient', 'search-system', 'Query'],
  ['POST', '/Observation', 'create', 'Create'],
  ['PUT', '/Observation/1', 'update', 'Update'],
  ['PUT', '/Observation?identifier=x', 'update', 'Update'],
  ['PATCH', '/Observation/1', 'patch', 'Update'],
  ['DELETE', '/Observation/1', 'delete', 'Delete'],
  ['DELETE', '/Observation?code=x', 'delete', 'Delete'],
  ['POST', '', 'batch'],
  ['GET', '/Patient/amy/$everything', 'operation'],
  ['POST', '/$process-message', 'operation'],
  ['GET', '/metadata', 'capabilities'],
  ['GET', '/_history', 'history-system'],
  ['GET', '/Observation/_history', 'history-type'],
  ['GET', '/Observation/1/_history', 'history-instance'],
  ['GET', '/odd/thing', 'other'],
]

type Json = Record<string, unknown>

function callOf(method: string, target: string, more: Partial<AuditedCall> = {}): AuditedCall {
  const [path = '', query = ''] = target.split('?')
  return {
    ...{ ehr: 'main', session: 'AbCdEf012345', whose: amy },
    ...{ caller: '192.0.2.7', requestId: 'abc-1', asked: { method, target: { path, query } } },
    ...more,
  }
}

function read(text: string): Json {
  assert.ok(!text.includes('\n'), 'one line')
  const event = JSON.parse(text)
  assert.deepEqual(listFaults(event), [], text)
  return event
}

function profilesOf(event: Json): string[] {
  const { profile = [] } = (event.meta ?? {}) as { profile?: string[] }
  return profile.map(url => url.replace(BALP, '').replace('IHE.BasicAudit.', ''))
}

test('[G8] each interaction that went well is valid by R4 and by the profile of BALP that it is of', () => {
  const sessions = [
    { whose: amy, session: 'AbCdEf012345' },
    { whose: amy, session: undefined },
    { whose: {}, session: 'AbCdEf012345' },
    { whose: {}, session: undefined },
    { whose: { identity: { iss: 'https://i.example', sub: 's"\\' } }, session: 'AbCdEf012345' },
    { whose: { context: { patient: 'a"my' } }, session: 'AbCdEf012345' },
  ]
  for (const [method, target, code, profile] of requests) {
    for (const more of sessions) {
      const call = callOf(method, target, more)
      const { path } = call.asked.target
      assert.equal(findInteraction(method, path).code, code, `${method} ${target}`)
      const event = read(buildCall(call, done))
      const isOfPatient = more.whose.context !== undefined || target.includes('amy')
      const named = profile && `${isOfPatient ? 'Patient' : ''}${profile}`
      assert.deepEqual(profilesOf(event), [
        ...(named ? [named] : []),
        ...(more.session ? ['OAUTHaccessTokenUse.Opaque'] : []),
      ])
    }
  }
})

test('[G8] what failed, and what is about to be sent, has all of the profile but its outcome, and claims none', () => {
  const ends: (CallOutcome | undefined)[] = [
    { outcome: '4', reason: 'HTTP 404' },
    { outcome: '8', reason: 'upstream_timeout' },
    undefined,
  ]
  for (const [method, target, , profile] of requests) {
    for (const end of ends) {
      const event = read(buildCall(callOf(method, target), end))
      assert.deepEqual(profilesOf(event), ['OAUTHaccessTokenUse.Opaque'])
      assert.deepEqual([event.outcome, event.outcomeDesc], [end?.outcome, end?.reason])
      const rules = profile && profiles[`${BALP}IHE.BasicAudit.Patient${profile}`]
      if (rules) assert.deepEqual(listProfileFaults(event, rules), ['outcome'], target)
    }
  }
})

const acts: [act: Act, profile: string | undefined, outcome: string][] = [
  [{ act: 'login', reason: 'ehr', whose: amy }, 'IHE.IUA.71', '0'],
  [{ act: 'login', reason: 'standalone' }, 'IHE.IUA.71', '0'],
  [{ act: 'renewal', reason: 'renewed', whose: amy, caller: undefined }, 'IHE.IUA.71', '0'],
  [{ act: 'renewal', reason: 'failed', whose: amy }, undefined, '8'],
  [{ act: 'login_failed', reason: 'bad_id_token' }, undefined, '4'],
  [{ act: 'denial', reason: 'access_denied' }, undefined, '4'],
  [{ act: 'logout', reason: 'user', whose: amy }, undefined, '0'],
  [{ act: 'logout', reason: 'incomplete' }, undefined, '4'],
  [{ act: 'logout', reason: 'ehr', sessions: 3, session: undefined }, undefined, '0'],
  [{ act: 'ending', reason: 'operator', caller: undefined, requestId: undefined }, undefined, '0'],
  [{ act: 'ending', ehr: undefined, reason: 'other' }, undefined, '0'],
  [{ act: 'ending', ehr: 'gone', reason: 'other' }, undefined, '0'],
  [{ act: 'administration', reason: 'sessions_ended', sessions: 0 }, undefined, '0'],
  [{ act: 'administration', ehr: undefined, reason: 'drain_begun' }, undefined, '0'],
  [{ act: 'administration', ehr: undefined, reason: 'reload_refused' }, undefined, '4'],
]
const about = {
  ...{ ehr: 'main', session: 'AbCdEf012345' },
  ...{ caller: '2001:db8:0:1', requestId: 'abc-1' },
}

test('[G8] each login, refusal, renewal, logout, ending and administrative act is valid, tokens by IUA.71', () => {
  for (const [act, profile, outcome] of acts) {
    const event = read(buildAct({ ...about, ...act }))
    assert.deepEqual(profilesOf(event), profile ? [profile] : [], JSON.stringify(act))
    assert.equal(event.outcome, outcome)
    assert.match(JSON.stringify(event), new RegExp(`"${act.reason}"`))
  }
})

test('[G8] the checks refuse what a profile forbids or misses', () => {
  const events = [
    ...requests.flatMap(([method, target, , profile]) =>
      profile ? [buildCall(callOf(method, target), done)] : [],
    ),
    ...acts.flatMap(([act, profile]) => (profile ? [buildAct({ ...about, ...act })] : [])),
  ]
  let refused = 0
  for (const text of events) {
    for (const [name, change] of Object.entries(mutations)) {
      const event = JSON.parse(text)
      if (change(event) === false) continue
      assert.notDeepEqual(listFaults(event), [], `${name}: ${JSON.stringify(event)}`)
      refused++
    }
  }
  assert.ok(refused > 200, String(refused))
})

type Agent = { type: { coding: Json[] }; who?: Json; network?: Json; requestor: boolean }
type Entity = { what?: Json; type: Json; role?: Json; query?: string }
type Event = Json & { agent: Agent[]; entity: Entity[]; type: Json; subtype: Json[]; source?: Json }

/** Each breaks an event; false where there is nothing of the kind in it. */
const mutations: Record<string, (event: Event) => unknown> = {
  'no client': ({ agent }) => agent.splice(0, 1),
  'no server': ({ agent }) => agent.splice(1, 1),
  'two clients': ({ agent }) => agent.push(agent[0] as Agent),
  'a client without an address': ({ agent }) => delete agent[0]?.network,
  'a server without a name': ({ agent }) => delete agent[1]?.who,
  'a client of another code': ({ agent }) => recode(agent[0]?.type.coding[0]),
  'a user on the network': ({ agent }) =>
    agent[2] ? Object.assign(agent[2], { network: {} }) : false,
  'a user who asks for nothing': ({ agent }) =>
    agent[2] ? Object.assign(agent[2], { requestor: false }) : false,
  'no entity': event => {
    event.entity = []
  },
  'no object': ({ entity }) => entity.splice(0, 1),
  'an object of another kind': ({ entity }) => recode(entity[0]?.type),
  'an object in another role': ({ entity }) => recode(entity[0]?.role),
  'an object twice': ({ entity }) => entity.push(entity[0] as Entity),
  'a query and what it is': ({ entity: [first] }) =>
    first?.query === undefined ? delete first?.what : Object.assign(first, { what: {} }),
  'no patient': ({ entity }) => (isPatient(entity[1]) ? entity.splice(1, 1) : false),
  'a patient that is none': ({ entity }) =>
    isPatient(entity[1]) ? Object.assign(entity[1].what ?? {}, { type: 'Group' }) : false,
  'another type': ({ type }) => recode(type),
  'another subtype': ({ subtype }) => recode(subtype[0]),
  'no subtype': event => delete (event as Partial<Event>).subtype,
  'another action': event => Object.assign(event, { action: event.action === 'R' ? 'E' : 'R' }),
  'another outcome': event => Object.assign(event, { outcome: '4' }),
  'no outcome': event => delete event.outcome,
  'no source': event => delete event.source,
  'a time without a zone': event => Object.assign(event, { recorded: '2026-11-27T06:30:00' }),
  'a member that R4 has not': event => Object.assign(event, { patient: 'x' }),
  'a profile that is none': event => Object.assign(event, { meta: { profile: [`${BALP}None`] } }),
}

function recode(coding: Json | undefined): unknown {
  return coding === undefined ? false : Object.assign(coding, { code: '99' })
}

function isPatient(entity: Entity | undefined): entity is Entity {
  return entity?.what?.type === 'Patient' && entity.role?.code === '1'
}

test('[G8] user and patient stand there by reference, the session by its pseudonym, and nothing else of anybody', () => {
  const tokens = {
    ...amy,
    ...{ accessToken: 'SECRET-1', refreshToken: 'SECRET-2', idToken: 'SECRET-3' },
    identity: { ...amy.identity, name: 'Dr SECRET', email: 'SECRET@example.org', sid: 'SECRET-4' },
  }
  const target = '/Observation?code=SECRET&patient.name=SECRET&SECRET%20name=1'
  const texts = [
    ...requests.map(([method, path]) => buildCall(callOf(method, path, { whose: tokens }), done)),
    buildCall(callOf('GET', target, { whose: tokens }), done),
    buildCall(callOf('GET', '/SECRET/word/$SECRET!', { whose: tokens }), done),
    ...acts.map(([act]) => buildAct({ ...about, ...act, whose: tokens })),
  ]
  for (const text of texts) {
    const event = JSON.parse(text)
    const queries = (event.entity as Entity[]).flatMap(({ query }) => (query ? [query] : []))
    const decoded = queries.map(query => Buffer.from(query, 'base64').toString()).join(' ')
    assert.doesNotMatch(text + decoded, /SECRET/)
  }
  const event = read(buildCall(callOf('GET', '/Observation/1'), done)) as Event
  assert.deepEqual(event.agent[2], {
    type: {
      coding: [
        { system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' },
        {
          system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes',
          code: 'UserOauthAgent',
        },
      ],
    },
    who: {
      reference: `${ISS}/Practitioner/7`,
      identifier: { system: 'https://ehr.example.org', value: 'u1' },
    },
    requestor: true,
    policy: ['urn:fhirstorm:session:AbCdEf012345'],
  })
  assert.deepEqual(
    event.entity.map(({ what }) => what?.reference),
    [`${ISS}/Observation/1`, `${ISS}/Patient/amy`, undefined],
  )
})

test('[G8] the patient is the one that a request names, else the one of the launch', () => {
  const patients: [target: string, patient: string | undefined][] = [
    ['/Observation/1', 'amy'],
    ['/Patient/ben', 'ben'],
    ['/Patient/%62en', 'ben'],
    ['/Patient/ben/Observation', 'ben'],
    ['/Patient/ben/$everything', 'ben'],
    ['/Observation?patient=ben', 'ben'],
    ['/Observation?patient=Patient%2Fben&subject=Patient/ben', 'ben'],
    [`/Observation?subject=${encodeURIComponent(`${ISS}/Patient/ben`)}`, 'ben'],
    ['/Observation?subject:Patient=ben', 'ben'],
    ['/Patient?_id=ben', 'ben'],
    ['/Observation?patient=ben,amy', undefined],
    ['/Observation?patient=ben&patient=amy', undefined],
    ['/Observation?patient.name=x', undefined],
    ['/Observation?subject=Group/1', 'amy'],
    ['/Observation?_id=1', 'amy'],
  ]
  for (const [target, patient] of patients) {
    const event = read(buildCall(callOf('GET', target), done)) as Event
    const named = event.entity.find(isPatient)?.what?.reference
    assert.equal(named, patient && `${ISS}/Patient/${patient}`, target)
  }
})

test('[G8] what was made has its id and version by the answer, where that is the resource asked for', () => {
  const reference = (method: string, target: string, location: string) =>
    (read(buildCall(callOf(method, target), { outcome: '0', location })) as Event).entity[0]?.what
      ?.reference
  assert.equal(
    reference('POST', '/Observation', `${ISS}/Observation/9/_history/1`),
    `${ISS}/Observation/9/_history/1`,
  )
  assert.equal(reference('PUT', '/Observation/9', 'Observation/9'), `${ISS}/Observation/9`)
  assert.equal(
    reference('PUT', '/Observation/9', '/Observation/9/_history/2'),
    `${ISS}/Observation/9/_history/2`,
  )
  assert.equal(reference('PUT', '/Observation/9', '/Observation/8'), `${ISS}/Observation/9`)
  assert.equal(reference('POST', '/Observation', '/Patient/8'), undefined)
})

test('[G8] parameters are hashed under a key: the same value has one hash, and without the key nobody finds it', () => {
  const told = (build: typeof buildCall, target: string) => {
    const { entity } = read(build(callOf('GET', target), done)) as Event
    return Buffer.from(entity[0]?.query ?? '', 'base64').toString()
  }
  const [, first, second] =
    /^Patient\?family=([\w-]{16})&given:exact=([\w-]{16})$/.exec(
      told(buildCall, '/Patient?family=M%C3%BCller+A&given:exact=718-7'),
    ) ?? []
  assert.ok(first && second && first !== second)
  assert.equal(told(buildCall, '/Patient?family=M%C3%BCller%20A'), `Patient?family=${first}`)
  const other = createCallEvents({ ...options, parameters: { hashKey: Buffer.alloc(32, 8) } })
  assert.notEqual(told(other, '/Patient?given:exact=718-7'), `Patient?given:exact=${second}`)
  const dropping = createCallEvents({ ...options, parameters: 'drop' })
  assert.equal(told(dropping, '/Observation?patient=amy&code=x'), 'Observation')
  const crowd = Array.from({ length: 4000 }, (_, i) => `a=${i}`).join('&')
  assert.match(told(buildCall, `/Observation?${crowd}`), /^Observation\?=[\w-]{16}$/)
})

test('[G8] whatever is asked, by whatever name, its event is one line of valid JSON', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('Patient', '_search', '$x', '1', '_history', '', '"', '\\', '%', '%22', '\n'),
  )
  const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'constructor')
  fc.assert(
    fc.property(methods, fc.array(word), word, word, word, (method, path, query, id, patient) => {
      const text = buildCall(
        {
          ...callOf('GET', ''),
          ...{ requestId: id, caller: id, whose: { context: { patient } } },
          asked: { method, target: { path: `/${path.join('/')}`, query } },
        },
        { outcome: '0', location: path.join('/') },
      )
      assert.ok(!/[\n\r]/.test(text))
      JSON.parse(text)
    }),
  )
})
