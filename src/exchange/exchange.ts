// One FHIR request from the judged target to the closed response: a place among those in flight, the
// body, a token, the headers, then the EHR. After a 401 of the EHR one renewal, and one second try of
// what can be tried again without doing it twice; a 403 is the EHR's answer like any other (attacks
// F12, R6-R9; requirements SC-21).

import type { IncomingMessage, ServerResponse } from 'node:http'
import { BrokerError } from '../errors.ts'
import type { BodyLimits, ForwardLimits } from '../limits.ts'
import { buildAuthorization, buildRequestHeaders } from '../proxy/headers.ts'
import type { OwnAddress, Restoration } from '../proxy/own-address.ts'
import { restoreQuery } from '../proxy/restore-query.ts'
import { buildUpstreamPath, type Target } from '../proxy/target.ts'
import { buildTokenTraces, type TokenTraces } from '../proxy/token-traces.ts'
import { type ForwardOutcome, forward } from './forward.ts'
import type { ProxiedSession } from './proxied-session.ts'
import { hasBody, noBody, prepareBody, type RequestBody } from './request-body.ts'
import type { Running } from './running.ts'
import { enter, leave, type Place, type Shares } from './shares.ts'
import { createTurns } from './turns.ts'
import type { Upstream } from './upstream.ts'

/** Where access tokens come from. */
export interface Tokens {
  accessToken(open: ProxiedSession): string | Promise<string>
  renew(open: ProxiedSession): Promise<string>
}

export interface ExchangeOptions {
  tokens: Tokens
  running: Running
  ownAddress: OwnAddress
  sharesOf: (session: ProxiedSession['session']) => Shares
  limits: ForwardLimits & BodyLimits
}

/** One request, judged as far as it can be without its body. */
export interface Call {
  request: IncomingMessage
  response: ServerResponse
  reply: { hijack(): unknown }
  open: ProxiedSession
  upstream: Upstream
  target: Target
  /** Our FHIR base URL of the session. */
  ours: string
  byAlias: boolean
  /** Headers of ours for the answer, names and values in turn. */
  ownHeaders: readonly string[]
}

/** One access token as it is sent, and as it would be found in an answer. */
interface Credential {
  authorization: string
  traces: TokenTraces
}

/** Makes the function that carries calls through; rejects with a BrokerError while nothing is sent. */
export function createExchange(options: ExchangeOptions) {
  const { tokens, running, ownAddress, sharesOf, limits } = options
  /** What is made of each token set's access token: long texts to judge and to join on each request. */
  const credentials = new WeakMap<object, Credential>()
  const turns = createTurns()

  return async function exchange(call: Call): Promise<ForwardOutcome> {
    const { upstream } = call
    const place = enter(sharesOf(call.open.session))
    let body = noBody
    try {
      const whose = upstream.registration.rewrite ? restorationOf(call) : undefined
      const restored = whose ? restoreTarget(call, whose) : call
      if (hasBody(call.request)) {
        body = await prepareBody(call.request, {
          ...{ target: restored.target, whose, limits, turns, shares: place.shares },
          url: upstream.url,
          mayReplay: isReplayable(call),
        })
      }
      const current = tokens.accessToken(call.open)
      const token = typeof current === 'string' ? current : await current
      const outcome = await send(restored, place, body, whose, token)
      return outcome === 'held back' ? await sendAgain(restored, place, body, whose) : outcome
    } finally {
      body.release?.()
      leave(place)
    }
  }

  async function sendAgain(
    call: Call,
    place: Place,
    body: RequestBody,
    whose: Restoration | undefined,
  ): Promise<ForwardOutcome> {
    const { open } = call
    const renewed = await tokens.renew(open)
    if (!body.isHeld || !isReplayable(call)) {
      // Not sent again, but the token is new: the client may try again itself.
      throw new BrokerError('upstream_unauthorized', {
        ehr: open.session.ehr,
        retryAfterSeconds: 1,
      })
    }
    const second = await send(call, place, body, whose, renewed)
    if (second !== 'held back') return second
    throw new BrokerError('upstream_unauthorized', { ehr: open.session.ehr })
  }

  function send(
    call: Call,
    place: Place,
    { body, headers: bodyHeaders }: RequestBody,
    whose: Restoration | undefined,
    accessToken: string,
  ): Promise<ForwardOutcome> {
    const { upstream, target, request, response, open } = call
    const { registration } = upstream
    const { authorization, traces } = credentialOf(open.session.tokens, accessToken)
    const headers = buildRequestHeaders(request.headers, {
      authorization,
      target,
      whose,
      acceptEncoding: registration.rewrite ? registration.upstreamCompression : 'any',
    })
    for (const item of bodyHeaders) headers.push(item)
    const method = request.method as 'GET'
    return forward({
      pool: upstream.pool,
      dispatch: {
        method,
        path: buildUpstreamPath(upstream.base, target),
        headers,
        body: body as Buffer | null,
      },
      open,
      place,
      asked: { method, target, ours: call.ours, traces },
      rules: upstream.rules,
      limits,
      running,
      request,
      response,
      reply: call.reply,
      ownHeaders: call.ownHeaders,
    })
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

  function restorationOf({ upstream, open, byAlias }: Call): Restoration {
    return { own: ownAddress, sessionId: open.session.id, byAlias, base: upstream.url }
  }
}

function buildCredential(accessToken: string): Credential {
  return { authorization: buildAuthorization(accessToken), traces: buildTokenTraces(accessToken) }
}

function restoreTarget(call: Call, whose: Restoration): Call {
  const { path, query } = call.target
  const restored = query === '' ? query : restoreQuery(query, whose)
  return restored === query ? call : { ...call, target: { path, query: restored } }
}

// Reads change nothing; writes only where a second one would fail by its condition.
function isReplayable({ request, target }: Call): boolean {
  const { method, headers } = request
  if (method === 'GET' || method === 'HEAD') return true
  if (method === 'POST' && target.path.endsWith('/_search')) return true
  return headers['if-match'] !== undefined || headers['if-none-exist'] !== undefined
}
