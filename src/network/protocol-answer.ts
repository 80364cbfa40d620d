// What is made of an answer to a protocol call: judged by its head, decoded within the cap, and of its
// headers those alone that the protocol steps read. Pure but for the decoders.

import type { Dispatcher } from 'undici'
import { decode, readCodings } from '../codings.ts'
import type { HeldBody } from '../held-body.ts'

type AnsweredHeaders = Dispatcher.ResponseData['headers']

const EMPTY_STATUSES = [204, 205, 304]

const KEPT_HEADERS = [
  'cache-control',
  'content-encoding',
  'content-type',
  'dpop-nonce',
  'etag',
  'retry-after',
  'www-authenticate',
]

/** Why an answer is refused before its body is read, in fixed words. */
export function judgeHead(
  status: number,
  headers: AnsweredHeaders,
  maxBytes: number,
): string | undefined {
  if (status >= 300 && status < 400 && status !== 304) return 'redirected'
  if (status < 200 || status > 599) return 'no HTTP status'
  if (readCodings(headers['content-encoding']) === undefined) return 'encoded'
  return Number(headers['content-length'] ?? 0) > maxBytes ? 'too large' : undefined
}

export interface ReadAnswer extends Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'> {
  held: HeldBody
  /** Where redirects have led. */
  movedTo?: string
}

/**
 * The answer whose body was read and decoded: Content-Encoding says how it came, Content-Location where from
 * after redirects. Rejects as `decode` does.
 */
export async function buildResponse(
  { statusCode, headers, held, movedTo }: ReadAnswer,
  maxBytes: number,
): Promise<Response> {
  const codings = readCodings(headers['content-encoding']) ?? []
  const isEmpty = EMPTY_STATUSES.includes(statusCode)
  const body = isEmpty ? null : await decode(join(held), codings, maxBytes)
  const kept = keepHeaders(headers)
  if (movedTo !== undefined) kept.set('content-location', movedTo)
  return new Response(body, { status: statusCode, headers: kept })
}

function join(held: HeldBody): Buffer {
  const { body } = held.take()
  return Buffer.isBuffer(body) ? body : Buffer.concat([...body])
}

function keepHeaders(headers: AnsweredHeaders): Headers {
  const kept = new Headers()
  for (const name of KEPT_HEADERS) {
    for (const value of [headers[name] ?? []].flat()) {
      if (/^[\t\x20-\x7e]*$/.test(value)) kept.append(name, value)
    }
  }
  return kept
}
