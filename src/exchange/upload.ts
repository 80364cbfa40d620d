// Request bodies: counted and timed in our own stream, because neither Fastify's limit nor undici's
// time-outs see a body that is passed on. Refuses with `body_too_large` and `request_timeout`
// (attacks P17, P18, P20).

import type { IncomingMessage, ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import { BrokerError } from '../errors.ts'
import { createHeldBody } from '../held-body.ts'
import type { Judge } from '../proxy/judge.ts'
import { give } from '../share.ts'
import { createPatience, type PatienceLimits } from './body-patience.ts'
import { claim, type Shares } from './shares.ts'
import type { Turns } from './turns.ts'

export interface UploadLimits extends PatienceLimits {
  maxBytes: number
  /** From the first wait to the last byte, in milliseconds; without end unless told. */
  totalMs?: number
}

const GRACE_MS = 1_000
// The worst of it takes five milliseconds to judge (docs/performance.md).
const SLICE_BYTES = 64 * 1024

/** The pieces of a body, one at a time; the connection stays usable for an answer. */
export async function* streamBody(
  request: IncomingMessage,
  { maxBytes, totalMs = Number.POSITIVE_INFINITY, ...pauses }: UploadLimits,
): AsyncGenerator<Buffer, void, undefined> {
  const pieces = request.iterator({ destroyOnReturn: false })
  const endsAt = performance.now() + totalMs
  const patience = createPatience(pauses)
  let bytes = 0
  try {
    for (;;) {
      // Only while the client is waited for: an EHR may take as slowly as it likes.
      const askedAt = performance.now()
      const left = Math.max(0, Math.min(patience.leftMs, endsAt - askedAt))
      const { done, value } = await within(left, pieces.next())
      if (done) return
      patience.received((value as Buffer).length, performance.now() - askedAt)
      bytes += (value as Buffer).length
      if (bytes > maxBytes) throw new BrokerError('body_too_large')
      yield value as Buffer
    }
  } finally {
    // Not awaited: it would wait for the piece that never came.
    pieces.return?.().catch(() => {})
  }
}

/** What a body is held with. */
export interface Holding {
  /** What the user may have. */
  shares: Shares
  judge: Judge | undefined
  turns: Turns
}

/**
 * A whole body, held in memory within the user's shares; what was taken is given back by `release`.
 * Where there is no more to take it refuses as `claim` does. The judge reads along, slice by slice.
 */
export async function readBody(
  request: IncomingMessage,
  limits: UploadLimits,
  { shares, judge, turns }: Holding,
): Promise<{ body: Buffer | Iterable<Buffer>; length: number; release: () => void }> {
  const held = createHeldBody()
  let bytes = 0
  let sliced = 0
  const release = () => {
    give(shares.bytes, bytes)
    bytes = 0
  }
  try {
    for await (const piece of streamBody(request, limits)) {
      claim(shares, 'bytes', piece.length)
      bytes += piece.length
      judge?.push(piece)
      held.add(piece)
      sliced += piece.length
      if (judge && sliced >= SLICE_BYTES) {
        sliced = 0
        await turns()
      }
    }
    if (bytes > 0) judge?.end()
  } catch (error) {
    release()
    throw error
  }
  return { ...held.take(judge?.edits), release }
}

/**
 * Resolves when an answer may end although the body was not read: closing at once would reset the
 * connection under the answer, so the rest is thrown away for a moment.
 */
export async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, GRACE_MS)
  const forget = finished(request, { writable: false }, () => resolve())
  request.resume()
  await promise
  clearTimeout(timer)
  forget()
}

/** An answer that came before its request ended: it lingers until the client has had time to read it. */
export async function* lingering(
  payload: string,
  request: IncomingMessage,
): AsyncGenerator<string, void, undefined> {
  yield payload
  await drain(request)
}

/** Ends an answer that came before its request did, and with it the connection. */
export function endEarly(request: IncomingMessage, response: ServerResponse): void {
  drain(request)
    .then(() => response.end())
    .catch(() => response.destroy())
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(reject, milliseconds, new BrokerError('request_timeout'))
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
