// The proxy alone: on the product's own server, with its guard and its way of telling refusals, before
// a fake EHR; sessions and tokens are fakes that a test can change.

import { after, before } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { type Dispatcher, request } from 'undici'
import audit, { type AuditOptions } from '../../plugins/audit.ts'
import errors from '../../plugins/errors.ts'
import guard from '../../plugins/guard.ts'
import proxy, { type ProxyOptions } from '../../plugins/proxy.ts'
import { createServer } from '../../program/server.ts'
import { BrokerError } from '../../src/errors.ts'
import type { ProxyLimits } from '../../src/limits.ts'
import type { CallEnd, RequestRecord } from '../../src/observer.ts'
import type { OpenSession } from '../../src/session/session.ts'
import type { Registration } from '../../src/smart/types.ts'
import { type FakeEhr, startFakeEhr } from '../network/fake-ehr.ts'
import { buildRegistration } from './alone.ts'

export const publicUrl = 'https://app.example.org/bff'
export const sessionId = 'AAAAAAAAAAAAAAAAAAAAAA'
export const otherId = 'BBBBBBBBBBBBBBBBBBBBBB'
export const ours = `${publicUrl}/sessions/${sessionId}/fhir`

export interface Rig {
  app: FastifyInstance
  ehr: FakeEhr
  port: number
  /** FHIR base URL of the EHR. */
  base: string
  /** What was counted and logged. */
  records: RequestRecord[]
  /** How requests to the EHR ended. */
  ends: CallEnd[]
  /** What went wrong outside of any request. */
  faults: unknown[]
  /** What became of audit events. */
  audited: string[]
  /** Sessions that are live, by id. */
  sessions: Map<string, OpenSession>
  /** Access tokens, the current one last; `renew` takes the next of `renewals`. */
  token: { current: string; renewals: (string | BrokerError)[]; renewed: number }
  /** One request in bytes; the path is below our FHIR base of the session. */
  raw(line: string, headers?: string[], body?: string): string
  /** A request as a script with the ticket would send it. */
  call(path: string, how?: Calling): Promise<Called>
}

export interface Calling {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
}

export interface Called {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** Code of our refusal, from Proxy-Status; undefined for the EHR's own answers. */
  refusal: string | undefined
}

export interface RigOptions {
  registration?: Partial<Registration>
  limits?: Partial<ProxyLimits>
  fhirAlias?: ProxyOptions['fhirAlias']
  frontendOrigins?: string[]
  /** Whether FHIR is served below /smart too. */
  facade?: boolean
  /** Where there is an audit. */
  audit?: Pick<AuditOptions, 'sink' | 'failClosed'>
  /** Certificate and key of an EHR over TLS. */
  tls?: { cert: string; key: string }
}

/** Starts a rig before the tests of a file or suite, and ends it after them. */
export function useRig(options: RigOptions = {}): Rig {
  const rig = {} as Rig
  before(async () => Object.assign(rig, await startRig(options)))
  after(async () => {
    await rig.app.close()
    await rig.ehr.close()
  })
  return rig
}

async function startRig(options: RigOptions): Promise<Rig> {
  const ehr = await startFakeEhr(options.tls)
  const base = `${ehr.origin}/fhir/r4`
  const registration = buildRegistration({ iss: base, ...options.registration })
  const sessions = new Map([sessionId, otherId].map(id => [id, buildOpenSession(id, registration)]))
  const records: RequestRecord[] = []
  const ends: CallEnd[] = []
  const faults: unknown[] = []
  const audited: string[] = []
  const token: Rig['token'] = { current: 'token-1', renewals: [], renewed: 0 }
  const app = createServer({ logger: pino({ level: 'silent' }), trustedProxies: [] })
  app.decorate('smartMetrics', {
    observe: (record: RequestRecord) => void records.push(record),
    tell: () => undefined,
    show: () => undefined,
    beginCall: () => (end: CallEnd) => void ends.push(end),
    noteFault: (error: unknown) => void faults.push(error),
    countAudit: (outcome: string) => void audited.push(outcome),
  } as never)
  app.decorate('smartTickets', fakeTickets(sessions) as never)
  app.decorate('smartTokens', fakeToken(token) as never)
  app.decorate('smartSessions', fakeSessions(sessions) as never)
  await app.register(errors, { loginPath: '/', ehrNames: new Map(), frameAncestors: [] })
  if (options.audit) {
    await app.register(audit, { ...options.audit, registrations: [registration], publicUrl })
  }
  await app.register(guard, { publicUrl, frontendOrigins: options.frontendOrigins ?? [] })
  await app.register(proxy, {
    registrations: [registration],
    publicUrl,
    fhirAlias: options.fhirAlias ?? 'scripts',
    limits: options.limits,
    facade: options.facade,
    prefix: '/bff',
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  return { app, ehr, port, base, records, ends, faults, audited, sessions, token, raw, call }

  function raw(line: string, headers: string[] = [], body = ''): string {
    const [method = '', ...rest] = line.split(' ')
    const head = [
      `${method} /bff/sessions/${sessionId}/fhir${rest.join(' ')} HTTP/1.1`,
      ...['Host: app.example.org', `Cookie: t-${sessionId}=x`, 'Connection: close', 'X-CSRF: 1'],
      ...headers,
    ]
    return `${head.join('\r\n')}\r\n\r\n${body}`
  }

  async function call(path: string, how: Calling = {}): Promise<Called> {
    const url = `http://127.0.0.1:${port}/bff/sessions/${sessionId}/fhir${path}`
    const own = { host: 'app.example.org', cookie: `t-${sessionId}=x`, 'x-csrf': '1' }
    const { statusCode, headers, body } = await request(url, {
      method: (how.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: { ...own, ...how.headers },
      body: how.body,
    })
    const text = await body.text()
    const [, refusal] = /details="(.*)"/.exec(String(headers['proxy-status'])) ?? []
    return { status: statusCode, headers, text, refusal }
  }
}

function buildOpenSession(id: string, { id: ehr, iss }: Registration): OpenSession {
  const secret = 'secret'
  const recordId = `record-of-${id}`
  return {
    session: { id, ehr, iss, createdAt: 0, endsAt: Number.MAX_SAFE_INTEGER, tokens: {} as never },
    ticket: { id, ehr, secret, recordId },
    recordId,
    generation: 1,
    lastUsedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
  }
}

function fakeTickets(sessions: Map<string, OpenSession>) {
  const idsOf = (cookie = '') => [...cookie.matchAll(/t-([A-Za-z0-9_-]{22})=/g)].map(([, id]) => id)
  return {
    peek: (_request: unknown, id = '') => ({ recordId: `record-${id}` }),
    ids: ({ headers }: { headers: { cookie?: string } }) => idsOf(headers.cookie),
    open({ headers }: { headers: { cookie?: string } }, id: string) {
      if (!idsOf(headers.cookie).includes(id)) throw new BrokerError('session_invalid')
      return openById(sessions, id)
    },
  }
}

function fakeSessions(sessions: Map<string, OpenSession>) {
  return {
    recordId: (id: string) => `record-${id}`,
    open: async ({ id }: { id: string }) => openById(sessions, id),
  }
}

function openById(sessions: Map<string, OpenSession>, id: string): OpenSession {
  const open = sessions.get(id)
  if (!open) throw new BrokerError('session_invalid')
  return open
}

function fakeToken(token: Rig['token']) {
  return {
    accessToken: () => token.current,
    async renew() {
      const next = token.renewals.shift() ?? new BrokerError('upstream_unauthorized')
      if (next instanceof BrokerError) throw next
      token.renewed++
      token.current = next
      return next
    },
  }
}
