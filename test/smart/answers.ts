// An EHR's answers for tests, without a network: each call is recorded, and the next answer is given.

import { randomBytes } from 'node:crypto'
import type { JWTVerifyGetKey } from 'jose'
import type { TokenCall } from '../../src/smart/token/token.ts'
import type { AuthorizationServer, ProtocolFetch, Registration } from '../../src/smart/types.ts'
import { buildRegistration } from './registration.ts'
import { buildServer } from './server.ts'

export const start = 1_800_000_000_000

export interface Sent {
  url: string
  headers: Record<string, string>
  body: URLSearchParams
  maxBytes: number | undefined
  timeoutMs: number | undefined
}

export interface Answer {
  status?: number
  headers?: Record<string, string>
  /** An object is sent as JSON, a text or bytes as they are. */
  body?: unknown
}

export interface Answering {
  call: TokenCall
  sent: Sent[]
}

/** A call whose requests get these answers, one after another, the last one over and over. */
export function answerWith(
  answers: readonly (Answer | Error)[],
  asked: {
    registration?: Partial<Registration>
    server?: Partial<AuthorizationServer>
    keys?: JWTVerifyGetKey
  } = {},
): Answering {
  const sent: Sent[] = []
  const fetch: ProtocolFetch = async (url, request = {}) => {
    const { headers = {}, body, maxBytes, timeoutMs } = request
    sent.push({ url, headers, body: new URLSearchParams(body), maxBytes, timeoutMs })
    const answer = answers[Math.min(sent.length, answers.length) - 1]
    if (answer instanceof Error) throw answer
    return new Response(toBody(answer?.body), {
      status: answer?.status ?? 200,
      headers: answer?.headers,
    })
  }
  const registration = buildRegistration(asked.registration)
  const server = buildServer(asked.server)
  const { keys } = asked
  return {
    sent,
    call: {
      registration,
      server,
      fetch,
      keys,
      now: () => start,
      sharedNow: () => start,
      randomBytes,
    },
  }
}

function toBody(body: unknown): string | Uint8Array<ArrayBuffer> | null {
  if (body === undefined || body === null) return null
  if (body instanceof Uint8Array) return new Uint8Array(body)
  return typeof body === 'string' ? body : JSON.stringify(body)
}
