// An EHR as the protocol steps see it through their fetch: one answer for each address, and a record
// of what was asked. For pure steps; what goes over sockets is tested over sockets.

import assert from 'node:assert/strict'
import type { ProtocolFetch } from '../../src/smart/types.ts'

export interface StubAnswer {
  status?: number
  headers?: Record<string, string>
  /** Text as it is, anything else as JSON. */
  body?: unknown
  /** Thrown in place of an answer. */
  error?: unknown
}

export interface StubEhr {
  fetch: ProtocolFetch
  /** What was asked so far, in order. */
  asked: { url: string; request: NonNullable<Parameters<ProtocolFetch>[1]> }[]
  /** Changes while a test runs. */
  answers: Record<string, StubAnswer | (() => StubAnswer | Promise<StubAnswer>)>
}

/** Addresses without an answer are 404 pages; an answer may be a function, for answers that change. */
export function createStubEhr(answers: StubEhr['answers']): StubEhr {
  const asked: StubEhr['asked'] = []
  const fetch: ProtocolFetch = async (url, request = {}) => {
    asked.push({ url, request })
    const given = answers[url] ?? { status: 404, body: '<html>Not found</html>' }
    const answer = typeof given === 'function' ? await given() : given
    if (answer.error !== undefined) throw answer.error
    const { status = 200, body = '', headers } = answer
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    assert.ok(text.length <= (request.maxBytes ?? 0), 'the call names a cap')
    return new Response([204, 304].includes(status) ? null : text, { status, headers })
  }
  return { fetch, asked, answers }
}
