// Route of the internal listener: /verify, by which a proxy or the app's own server asks who calls. It answers
// with the session's names in headers, and with an assertion for an API that is configured. Never for
// browsers: what it says must not reach one.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { noteAbout } from '../src/about.ts'
import { readOriginalRequest } from '../src/browser/original-request.ts'
import { BrokerError } from '../src/errors.ts'
import { aFunction, judgeOptions, listWith, optional, withMethods } from '../src/plugin-terms.ts'
import type { Api } from '../src/session/assertion.ts'
import type { OpenSession } from '../src/session/session.ts'
import { toUri } from '../src/uri.ts'
import type { Guard } from './guard.ts'
import type { Tickets } from './tickets.ts'

export interface VerifyOptions {
  /** `app.smartGuard` of the app that browsers talk to. */
  guard: Pick<Guard, 'check' | 'isScript'>
  /** `app.smartTickets` of the same. */
  tickets: Pick<Tickets, 'open' | 'ids'> & Partial<Pick<Tickets, 'peek'>>
  registrations: readonly { id: string; embedded: boolean }[]
  /** Whether browsers may leave their only session unnamed; `scripts` alone may unless told. */
  fhirAlias?: 'scripts' | 'always'
  /** The app's own servers; the only one is meant where none is named. */
  apis?: readonly Api[]
  /** Makes the assertion about a session for one of them. */
  assertionOf?: (open: OpenSession, api: Api) => string | Promise<string>
  /** The user's FHIR address as frontends are told it. */
  fhirUserOf?: (open: OpenSession) => string | undefined
}

async function verify(app: FastifyInstance, options: VerifyOptions): Promise<void> {
  judgeOptions('verify', options, {
    guard: withMethods('check', 'isScript'),
    tickets: withMethods('open', 'ids'),
    registrations: listWith('id'),
    assertionOf: optional(aFunction),
    fhirUserOf: optional(aFunction),
  })
  const { guard, tickets, apis = [], assertionOf, fhirUserOf, fhirAlias = 'scripts' } = options
  const described = new WeakMap<object, string[]>()
  const embedded = new Set(options.registrations.filter(one => one.embedded).map(({ id }) => id))

  // Refused before its session was looked for: the request names it all the same.
  app.addHook('onError', async request => {
    if (request.smartAbout) return
    const { method, raw } = request
    const { session } = readOriginalRequest(method, raw.url ?? '', raw.headers)
    noteAbout(request, tickets.peek?.(request, session) ?? {})
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  for (const url of ['/verify', '/verify/:api/*']) {
    // Without a promise where nothing has to be waited for: most requests are of a session that is known.
    app.all(url, (request, reply) => {
      const { headers } = request.raw
      const original = readOriginalRequest(request.method, request.raw.url ?? '', headers)
      const caller = { method: original.method, raw: { headers } }
      guard.check(caller)
      const id = original.session ?? chooseOnly(request, caller)
      const answer = (open: OpenSession) => {
        if (embedded.has(open.session.ehr)) guard.check(caller, { embedded: true })
        const api = findApi(original.api)
        const assertion = api && assertionOf?.(open, api)
        return isPromise(assertion)
          ? assertion.then(text => send(reply, open, text))
          : send(reply, open, assertion)
      }
      const open = tickets.open(request, id)
      return isPromise(open) ? open.then(answer) : answer(open)
    })
  }

  function send(
    reply: FastifyReply,
    open: OpenSession,
    assertion: string | undefined,
  ): FastifyReply {
    const headers = headersOf(open)
    reply.hijack()
    reply.raw.writeHead(
      200,
      assertion === undefined ? headers : [...headers, 'fhirstorm-assertion', assertion],
    )
    reply.raw.end()
    return reply
  }

  /** Names and values in turn, made once for each token set. */
  function headersOf(open: OpenSession): string[] {
    const known = described.get(open.session.tokens)
    if (known !== undefined) return known
    const headers = ['cache-control', 'no-store', 'content-length', '0', ...describe(open)]
    described.set(open.session.tokens, headers)
    return headers
  }

  // Never a default session where a second patient could appear. Proxies know 401 and 403 alone.
  function chooseOnly(request: FastifyRequest, caller: Parameters<Guard['isScript']>[0]): string {
    const [only, ...others] = tickets.ids(request)
    const mayBeUnnamed = fhirAlias === 'always' || guard.isScript(caller)
    if (only !== undefined && others.length === 0 && mayBeUnnamed) return only
    throw new BrokerError('session_invalid', { detail: 'no session is named' })
  }

  function findApi(id: string | undefined): Api | undefined {
    if (id === undefined) return apis.length === 1 ? apis[0] : undefined
    return apis.find(api => api.id === id)
  }

  function describe(open: OpenSession): string[] {
    const { session } = open
    const { context, identity, grantedScope } = session.tokens
    const told = {
      'fhirstorm-session': session.id,
      'fhirstorm-ehr': session.ehr,
      'fhirstorm-user': fhirUserOf?.(open) ?? identity?.fhirUser ?? identity?.sub,
      'fhirstorm-patient': context.patient,
      'fhirstorm-encounter': context.encounter,
      'fhirstorm-scope': grantedScope,
    }
    return Object.entries(told).flatMap(([name, value]) => (value ? [name, write(value)] : []))
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise
}

/** Spaces separate scopes; whatever else no header may hold is escaped. */
function write(value: string): string {
  return value.split(' ').map(toUri).join(' ')
}

export default fp(verify, { name: 'fhirstorm-verify', fastify: '5.x', encapsulate: true })
