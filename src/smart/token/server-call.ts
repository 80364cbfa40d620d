// One call to an authorization server's endpoints: oauth4webapi builds it, our egress carries it, at most
// once, bounded in size and time; no redirect, no retry. What comes back is read as bytes and judged
// elsewhere. Time, randomness and the network are passed in (attacks T2, T3).

import { allowInsecureRequests, type CustomFetchOptions, customFetch } from 'oauth4webapi'
import { isLoopbackHost } from '../issuer.ts'
import { type JsonDocument, parseJsonObject } from '../json.ts'
import { readRetryAfter } from '../rest.ts'
import type { AuthorizationServer, ProtocolFetch, Registration } from '../types.ts'
import type { AuthSource } from './client-auth.ts'

const MAX_BYTES = 64 * 1024
const DEADLINE_MS = 10_000

/** What every call to an authorization server needs. */
export interface ServerCall extends AuthSource {
  registration: Registration
  server: AuthorizationServer
  /** The registration's egress. */
  fetch: ProtocolFetch
  /** For the whole call; ten seconds unless told. */
  deadlineMs?: number
}

/** A server's answer before any judgement. */
export interface ServerAnswer {
  status: number
  document: JsonDocument
  retryAfterSeconds?: number
  /** The server asks for a client's password: it did not accept ours. */
  asksForBasic?: boolean
}

/** oauth4webapi's options for one call: our egress, and plain http on this machine alone. */
export function buildRequestOptions({ fetch, deadlineMs }: ServerCall, endpoint: string) {
  return {
    [allowInsecureRequests]: isLoopbackHost(new URL(endpoint).hostname),
    [customFetch]: (url: string, options: CustomFetchOptions<'POST', URLSearchParams>) =>
      fetch(url, {
        method: options.method,
        headers: options.headers,
        body: options.body.toString(),
        maxBytes: MAX_BYTES,
        timeoutMs: deadlineMs ?? DEADLINE_MS,
        badAnswer: 'bad_token_response',
      }),
  }
}

/** Reads status, JSON, Retry-After and the kind of challenge of an answer. */
export async function readAnswer(response: Response, now: () => number): Promise<ServerAnswer> {
  return {
    status: response.status,
    document: parseJsonObject(
      new Uint8Array(await response.arrayBuffer()),
      response.headers.get('content-type'),
    ),
    retryAfterSeconds: readRetryAfter(response.headers, now),
    asksForBasic: /^basic\b/i.test(response.headers.get('www-authenticate') ?? ''),
  }
}
