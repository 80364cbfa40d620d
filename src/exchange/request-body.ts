// The body of a request on its way to the EHR. What may hold our address, and every batch, is read
// whole and judged before anything is sent; files stream. Refuses with `body_invalid`,
// `media_type_refused`, `body_too_large`, `request_timeout`, `foreign_reference`, and as shares do
// (attacks P12, P16-P18).

import type { IncomingMessage } from 'node:http'
import { BrokerError } from '../errors.ts'
import type { BodyLimits } from '../limits.ts'
import { FORM_TYPE, parseBodyType } from '../proxy/headers.ts'
import type { Judge } from '../proxy/judge.ts'
import { createJudge } from '../proxy/judges.ts'
import { documentKind, type MediaType } from '../proxy/media-type.ts'
import type { Restoration } from '../proxy/own-address.ts'
import { isBase, isBinary, type Target } from '../proxy/target.ts'
import type { Shares } from './shares.ts'
import type { Turns } from './turns.ts'
import { readBody, streamBody } from './upload.ts'

export interface BodyPlan {
  target: Target
  /** FHIR base URL of the EHR. */
  url: string
  /** Our address becomes the EHR's; undefined where nothing is rewritten. */
  whose: Restoration | undefined
  /** The request could be sent again, if its body is still there. */
  mayReplay: boolean
  limits: BodyLimits
  /** What the user may have. */
  shares: Shares
  turns: Turns
}

export interface RequestBody {
  body: Buffer | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | null
  /** Names and values in turn. */
  headers: readonly string[]
  /** Nothing of it is gone once it was sent. */
  isHeld: boolean
  release?: () => void
}

const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH'])

/** Of a request that carries none. */
export const noBody: RequestBody = { body: null, headers: [], isHeld: true }

/** Whether a request announces a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined
}

/** Whether nothing more of a request is to come. */
export function isWhole(request: IncomingMessage): boolean {
  return request.complete || !hasBody(request)
}

/** Reads, or gets ready to stream, the body that a request announces. */
export async function prepareBody(request: IncomingMessage, plan: BodyPlan): Promise<RequestBody> {
  if (!BODY_METHODS.has(request.method ?? '')) throw new BrokerError('body_invalid')
  const { limits, shares, turns } = plan
  const type = parseBodyType(request.headers, plan.target)
  const judge = chooseJudge(type, plan)
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  const isKept = plan.mayReplay && length <= limits.replayBytes
  const judgedBytes = type.name === FORM_TYPE ? limits.formBytes : limits.documentBytes
  const maxBytes = judge ? judgedBytes : limits.maxBodyBytes
  if (length > maxBytes) throw new BrokerError('body_too_large')
  const { bodyIdleMs: idleMs, bodyBytesPerSecond: bytesPerSecond } = limits
  const uploadLimits = { maxBytes, idleMs, bytesPerSecond }
  const headers = ['content-type', type.written]
  if (!judge && !isKept) {
    if (!Number.isNaN(length)) headers.push('content-length', String(length))
    return { body: streamBody(request, uploadLimits), headers, isHeld: false }
  }
  const heldLimits = { ...uploadLimits, totalMs: limits.heldBodyMs }
  const held = await readBody(request, heldLimits, { shares, judge, turns })
  if (!Buffer.isBuffer(held.body)) headers.push('content-length', String(held.length))
  return { body: held.body, headers, isHeld: true, release: held.release }
}

/** The text of a JSON body, or of a form, that was read whole; undefined for every other one. */
export function readHeldText(
  { body, headers, isHeld }: RequestBody,
  kind: 'json' | 'form' = 'json',
): string | undefined {
  const type = headers[headers.indexOf('content-type') + 1] ?? ''
  if (!isHeld || body === null || !type.includes(kind)) return undefined
  if (Buffer.isBuffer(body)) return body.toString()
  return Symbol.iterator in body
    ? Buffer.concat([...(body as Iterable<Uint8Array>)]).toString()
    : undefined
}

function chooseJudge(type: MediaType, { target, url, whose }: BodyPlan): Judge | undefined {
  const isForm = type.name === FORM_TYPE
  const grammar = isForm ? 'query' : documentKind(type, isBinary(target))
  const entriesBelow = isBase(target) ? url : undefined
  if (grammar === undefined) {
    if (entriesBelow !== undefined) throw new BrokerError('media_type_refused')
    return undefined
  }
  const isJudged = isForm || whose !== undefined || entriesBelow !== undefined
  return isJudged ? createJudge(grammar, type, { whose, entriesBelow }) : undefined
}
