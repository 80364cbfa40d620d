// The one way protocol calls leave for an EHR (everything but FHIR traffic): pinned origins, https,
// a deadline and a cap on every answer, decoded or not; no redirect followed but of public documents
// within those origins, nothing cached, nothing retried. What the network or a library says stays in `cause` and reaches nobody.

import { type Dispatcher, errors } from 'undici'
import { BrokerError, type FaultCode } from '../errors.ts'
import { createHeldBody } from '../held-body.ts'
import { readAddress } from '../smart/https-twin.ts'
import { isLoopbackHost } from '../smart/issuer.ts'
import type { ProtocolFetch, Registration } from '../smart/types.ts'
import { createAgent, type Peer, reachOf } from './connect.ts'
import { EndlessInterim } from './interim.ts'
import type { ResolveName } from './names.ts'
import { buildResponse, judgeHead } from './protocol-answer.ts'

/** What the egress needs to know of a registration. */
export type EgressPeer = Peer &
  Pick<Registration, 'id' | 'origins'> &
  Partial<Pick<Registration, 'quirks'>>

export interface EgressLimits {
  /** For calls that name no cap; 256 KiB unless told. */
  maxBytes?: number
  /** For calls that name no deadline; 5 s unless told. */
  timeoutMs?: number
  /** Connections to one origin at a time; 32 unless told. */
  connections?: number
  /** Calls under way and waiting for a connection; 256 unless told. */
  calls?: number
  resolveName?: ResolveName
}

export interface Egress {
  fetch: ProtocolFetch
  /** Calls under way, or waiting for a connection. */
  underWay(): number
  close(): Promise<void>
}

const REDIRECTS = [301, 302, 303, 307, 308]
const MOST_REDIRECTS = 3

const TIMEOUTS = ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']

/**
 * The protocol client of one registration. Its fetch refuses with `endpoint_not_pinned` (no
 * connection made), `issuer_busy` (too many calls wait for this EHR), `issuer_unreachable`,
 * `issuer_timeout`, or the caller's `badAnswer` code.
 */
export function createEgress(peer: EgressPeer, limits: EgressLimits = {}): Egress {
  const { maxBytes = 256 * 1024, timeoutMs = 5000, connections = 32, resolveName } = limits
  const { calls = 256 } = limits
  // A code and a rotating refresh token are spent once (RFC 6749 4.1.2, 10.4), so no token call may be
  // tried again; on a new connection none can die of an idle one's end.
  const agent = createAgent(peer, {
    ...{ connections, connectTimeoutMs: timeoutMs, resolveName },
    alwaysFresh: true,
  })
  let underWay = 0
  const fetch: ProtocolFetch = async (url, request = {}) => {
    const target = parseTarget(url, peer)
    if (underWay >= calls) {
      throw new BrokerError('issuer_busy', { ehr: peer.id, detail: 'too many calls wait' })
    }
    const deadline = AbortSignal.timeout(request.timeoutMs ?? timeoutMs)
    const { signal: given, badAnswer = 'upstream_broken' } = request
    const call = { agent, target, ehr: peer.id, badAnswer, deadline, given }
    underWay++
    try {
      const { answer, movedTo } = request.follows
        ? await sendAndFollow(call, request, peer)
        : { answer: await send(call, request), movedTo: undefined }
      return await read(call, answer, request.maxBytes ?? maxBytes, movedTo)
    } finally {
      underWay--
    }
  }
  return { fetch, underWay: () => underWay, close: () => agent.destroy() }
}

interface Call {
  agent: Dispatcher
  target: URL
  ehr: string
  badAnswer: FaultCode
  deadline: AbortSignal
  given: AbortSignal | undefined
}

/** The second wall after discovery's own check: a secret goes to a pinned origin or nowhere. */
function parseTarget(url: string, peer: EgressPeer): URL {
  const target = URL.canParse(url) ? new URL(url) : undefined
  const plain = target?.protocol === 'http:'
  if (
    target === undefined ||
    !peer.origins.includes(target.origin) ||
    (plain && !(isLoopbackHost(target.hostname) && reachOf(peer).loopback))
  ) {
    throw new BrokerError('endpoint_not_pinned', { ehr: peer.id, detail: 'refused by the egress' })
  }
  return target
}

async function send(
  call: Call,
  { method = 'GET', headers, body }: NonNullable<Parameters<ProtocolFetch>[1]>,
): Promise<Dispatcher.ResponseData> {
  const { agent, target, deadline, given } = call
  try {
    return await agent.request({
      origin: target.origin,
      path: target.pathname + target.search,
      method: method as Dispatcher.HttpMethod,
      headers: { 'user-agent': 'fhirstorm', ...headers, 'accept-encoding': 'identity' },
      body: body ?? null,
      signal: given === undefined ? deadline : AbortSignal.any([deadline, given]),
    })
  } catch (error) {
    if (error instanceof EndlessInterim) throw refusal(call, 'endless interim answers', error)
    if (isNotHttp(error)) throw refusal(call, 'the answer is not HTTP', withoutAnswer(error))
    throw failure(call, 'issuer_unreachable', errorCode(error) ?? 'no connection', error)
  }
}

/** Each address on the way is judged like the first one; the deadline is one for all. */
async function sendAndFollow(
  call: Call,
  request: NonNullable<Parameters<ProtocolFetch>[1]>,
  peer: EgressPeer,
): Promise<{ answer: Dispatcher.ResponseData; movedTo?: string }> {
  let { target } = call
  for (let redirects = 0; ; redirects++) {
    const answer = await send({ ...call, target }, request)
    const { location } = answer.headers
    if (!REDIRECTS.includes(answer.statusCode) || typeof location !== 'string') {
      return redirects === 0 ? { answer } : { answer, movedTo: target.href }
    }
    answer.body.on('error', () => {}).destroy()
    if (redirects === MOST_REDIRECTS) throw astray(peer, 'redirected too often')
    if (!URL.canParse(location, target.href)) throw astray(peer, 'redirected to no address')
    const next = readAddress(new URL(location, target.href), peer)
    if (!peer.origins.includes(next.origin)) {
      throw astray(peer, `redirected to ${next.origin}: add it to the registration's origins`)
    }
    target = parseTarget(next.href, peer)
  }
}

function astray(peer: EgressPeer, detail: string): BrokerError {
  return new BrokerError('endpoint_not_pinned', { ehr: peer.id, detail })
}

async function read(
  call: Call,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  movedTo?: string,
): Promise<Response> {
  const reason = judgeHead(statusCode, headers, maxBytes)
  if (reason !== undefined) {
    body.on('error', () => {}).destroy()
    throw refusal(call, reason)
  }
  const held = createHeldBody()
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes) throw refusal(call, 'too large')
      held.add(chunk)
    }
  } catch (error) {
    if (error instanceof BrokerError) throw error
    throw failure(call, call.badAnswer, 'broken off', withoutAnswer(error))
  }
  return await buildResponse({ statusCode, headers, held, movedTo }, maxBytes).catch(error => {
    const isTooLarge = errorCode(error) === 'ERR_BUFFER_TOO_LARGE'
    throw refusal(call, isTooLarge ? 'too large' : 'not coded as it says', error)
  })
}

function failure(call: Call, code: FaultCode, detail: string, cause: unknown): unknown {
  if (call.given?.aborted) return call.given.reason
  const late = call.deadline.aborted || TIMEOUTS.includes(errorCode(cause) ?? '')
  return new BrokerError(late ? 'issuer_timeout' : code, {
    ehr: call.ehr,
    detail: late ? undefined : detail,
    cause,
  })
}

function refusal(call: Call, detail: string, cause?: unknown): BrokerError {
  return new BrokerError(call.badAnswer, { ehr: call.ehr, detail, cause })
}

function isNotHttp(error: unknown): boolean {
  return error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError
}

/** The parser's error carries what it could not parse: it may hold a token and must not live on. */
function withoutAnswer(error: unknown): unknown {
  if (error instanceof errors.HTTPParserError) Object.assign(error, { data: '' })
  return error
}

/** Node's and undici's error codes are fixed words, fit for a log; their messages are not. */
function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : undefined
}
