// One FHIR request from the judged target to the closed response: a place among those in flight, the
// body, a token, the headers, then the EHR. After a 401 of the EHR one renewal, and one second try of
// what can be tried again without doing it twice; a 403 is the EHR's answer like any other (attacks
// F12, R6-R9; requirements SC-21).

import { BrokerError, codeOf } from '../errors.ts'
import type { BodyLimits } from '../limits.ts'
import type { Observer } from '../observer.ts'
import { buildAuthorization, buildRequestHeaders } from '../proxy/headers.ts'
import type { OwnAddress, Restoration } from '../proxy/own-address.ts'
import { isRepeatable, isReplayable } from '../proxy/repeatable.ts'
import { restoreQuery } from '../proxy/restore-query.ts'
import { buildUpstreamPath, isBase } from '../proxy/target.ts'
import { buildTokenTraces, type TokenTraces } from '../proxy/token-traces.ts'
import { type ForwardOutcome, forward } from './forward.ts'
import { requireAllowed, requireAllowedBatch } from './policy.ts'
import type { ProxiedRequest } from './proxied-request.ts'
import type { ProxiedSession } from './proxied-session.ts'
import { hasBody, noBody, prepareBody, type RequestBody, readHeldText } from './request-body.ts'
import type { Running } from './running.ts'
import { enter, leave, type Place, type Shares } from './shares.ts'
import { createTurns } from './turns.ts'

/** Where access tokens come from. */
export interface TokenSource {
  accessToken(open: ProxiedSession): string | Promise<string>
  renew(open: ProxiedSession): Promise<string>
  /** Rejects with `session_invalid` when the session is over; `slide` keeps it alive. */
  look?(open: ProxiedSession, slide: boolean): Promise<unknown>
}

export interface ExchangeOptions {
  tokens: TokenSource
  running: Running
  ownAddress: OwnAddress
  sharesOf: (session: ProxiedSession['session']) => Shares
  limits: BodyLimits
  /** Hears of each request to an EHR. */
  beginCall?: Observer['beginCall']
}

/** One access token as it is sent, and as it would be found in an answer. */
interface Credential {
  authorization: string
  traces: TokenTraces
}

/** What a request holds until it is over. */
interface Held {
  place: Place
  body: RequestBody
  /** Our address becomes the EHR's; undefined where nothing is rewritten. */
  whose: Restoration | undefined
}

/** Makes the function that carries requests through; rejects with a BrokerError while nothing is sent. */
export function createExchange(options: ExchangeOptions) {
  const { tokens, running, ownAddress, sharesOf, limits } = options
  /** What is made of each token set's access token: long texts to judge and to join on each request. */
  const credentials = new WeakMap<object, Credential>()
  const turns = createTurns()

  return async function exchange(proxied: ProxiedRequest): Promise<ForwardOutcome> {
    const { request, upstream, open } = proxied
    const held: Held = { place: enter(sharesOf(open.session)), body: noBody, whose: undefined }
    try {
      if (upstream.registration.rewrite) {
        held.whose = restorationOf(proxied)
        restoreTarget(proxied, held.whose)
      }
      const { policy } = upstream.registration
      if (policy) requireAllowed(asAsked(proxied), policy)
      if (hasBody(request)) {
        held.body = await prepareBody(request, {
          ...{ target: proxied.target, whose: held.whose, limits, turns },
          shares: held.place.shares,
          url: upstream.url,
          mayReplay: isRepeatable(proxied) || isReplayable(proxied),
        })
      }
      if (proxied.record) proxied.form = readHeldText(held.body, 'form')
      if (policy && proxied.method === 'POST' && isBase(proxied.target)) {
        const asked = { ...asAsked(proxied), base: upstream.url }
        requireAllowedBatch(readHeldText(held.body), asked, policy)
      }
      const current = tokens.accessToken(open)
      const token = typeof current === 'string' ? current : await current
      const intended = proxied.record?.intend()
      if (intended) await intended
      // Its session may have ended while something was waited for: then nothing is sent of it.
      const hasWaited = intended || held.body.release || typeof current !== 'string'
      if (hasWaited) await tokens.look?.(open, false)
      const outcome = await send(proxied, held, token)
      return outcome === 'held back' ? await sendRenewed(proxied, held) : outcome
    } finally {
      held.body.release?.()
      leave(held.place)
    }
  }

  async function sendRenewed(proxied: ProxiedRequest, held: Held): Promise<ForwardOutcome> {
    const { ehr } = proxied.open.session
    const renewed = await tokens.renew(proxied.open)
    if (!held.body.isHeld || !isReplayable(proxied)) {
      // Not sent again, but the token is new: the client may try again itself.
      throw new BrokerError('upstream_unauthorized', { ehr, retryAfterSeconds: 1 })
    }
    const second = await send(proxied, held, renewed)
    if (second !== 'held back') return second
    throw new BrokerError('upstream_unauthorized', { ehr })
  }

  async function send(
    proxied: ProxiedRequest,
    { place, body, whose }: Held,
    accessToken: string,
  ): Promise<ForwardOutcome> {
    const { upstream, target, request, open } = proxied
    const { rewrite, upstreamCompression } = upstream.registration
    const { authorization, traces } = credentialOf(open.session.tokens, accessToken)
    proxied.traces = traces
    const headers = buildRequestHeaders(request.headers, {
      authorization,
      target,
      isSaved: proxied.isSaved,
      whose,
      acceptEncoding: rewrite ? upstreamCompression : 'any',
    })
    for (const item of body.headers) headers.push(item)
    const dispatch = {
      method: proxied.method as 'GET',
      path: buildUpstreamPath(upstream.base, target),
      headers,
      body: body.body as Buffer | null,
    }
    const watch = { place, running, limits: upstream.limits }
    const mayRepeat = body.isHeld && isRepeatable(proxied)
    const isFresh = upstream.dropsConnections && !mayRepeat
    const pool = isFresh ? upstream.freshPool : upstream.pool
    const outcome = await call(proxied, dispatch, watch, pool)
    if (outcome !== 'unanswered') return outcome
    upstream.dropsConnections = true
    if (mayRepeat) {
      const second = await call(proxied, dispatch, watch, upstream.freshPool)
      if (second !== 'unanswered') return second
    }
    throw new BrokerError('upstream_broken', {
      ehr: open.session.ehr,
      detail: 'a connection ended without an answer',
    })
  }

  async function call(...given: Parameters<typeof forward>): Promise<ForwardOutcome> {
    const [{ open, method, response }] = given
    const end = options.beginCall?.({ ehr: open.session.ehr, kind: 'fhir', method })
    if (end === undefined) return await forward(...given)
    try {
      const outcome = await forward(...given)
      if (outcome === 'held back') end({ status: 401 })
      else if (outcome === 'sent') end({ status: response.statusCode })
      else end({ error: outcome === 'unanswered' ? 'unanswered' : 'broken_off' })
      return outcome
    } catch (error) {
      end({ error: codeOf(error) })
      throw error
    }
  }

  function credentialOf(known: { accessToken: string }, accessToken: string): Credential {
    // A token that was renewed for this request belongs to the record's next reading.
    if (known.accessToken !== accessToken) return buildCredential(accessToken)
    const remembered = credentials.get(known)
    if (remembered !== undefined) return remembered
    const credential = buildCredential(accessToken)
    credentials.set(known, credential)
    return credential
  }

  function restorationOf({ upstream, open, byAlias, byFacade }: ProxiedRequest): Restoration {
    const { url: base, tags } = upstream
    return { own: ownAddress, sessionId: open.session.id, byAlias, byFacade, base, tags }
  }
}

function buildCredential(accessToken: string): Credential {
  return { authorization: buildAuthorization(accessToken), traces: buildTokenTraces(accessToken) }
}

function restoreTarget(proxied: ProxiedRequest, whose: Restoration): void {
  const { path, query } = proxied.target
  const restored = query === '' ? query : restoreQuery(query, whose)
  if (restored !== query) proxied.target = { path, query: restored }
}

function asAsked({ method, target, open }: ProxiedRequest) {
  return { method, target, grantedScope: open.session.tokens.grantedScope ?? '' }
}
