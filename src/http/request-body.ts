// The body of a request on its way to the EHR. What may hold our address, and every batch, is read
// whole and judged before anything is sent; files stream. Refuses with `body_invalid`,
// `media_type_refused`, `body_too_large`, `request_timeout`, `foreign_reference`, and as shares do
// (attacks P12, P16-P18).

import type { IncomingMessage } from 'node:http'
import { BrokerError } from '../errors.ts'
import { verifyEntryUrls } from '../proxy/entry-urls.ts'
import { FORM_TYPE, parseBodyType } from '../proxy/headers.ts'
import { documentKind } from '../proxy/media-type.ts'
import type { Grammar } from '../proxy/own-address.ts'
import { isBase, isBinary, type Target, verifyParameters } from '../proxy/target.ts'
import type { Share } from './shares.ts'
import { readBody, streamBody } from './upload.ts'

export interface BodyLimits {
  /** Largest body that streams. */
  maxBodyBytes: number
  /** Largest body that is read whole. */
  documentBytes: number
  /** Largest search form. */
  formBytes: number
  /** Largest body that is kept for a second try. */
  replayBytes: number
  /** Longest pause within a body, in milliseconds. */
  bodyIdleMs: number
  /** Longest wait for the whole of a body that is held, in milliseconds. */
  heldBodyMs: number
}

export interface BodyPlan {
  target: Target
  /** FHIR base URL of the EHR. */
  url: string
  /** Turns our address into the EHR's; undefined where nothing is rewritten. */
  restore: ((grammar: Grammar, text: string) => string) | undefined
  /** The request could be sent again, if its body is still there. */
  mayReplay: boolean
  limits: BodyLimits
  /** Memory that the user may have. */
  memory: Share
}

export interface RequestBody {
  body: Buffer | AsyncIterable<Uint8Array> | null
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

/** Reads, or gets ready to stream, the body that a request announces. */
export async function prepareBody(request: IncomingMessage, plan: BodyPlan): Promise<RequestBody> {
  if (!BODY_METHODS.has(request.method ?? '')) throw new BrokerError('body_invalid')
  const { target, limits, restore, memory } = plan
  const type = parseBodyType(request.headers, target)
  const isForm = type.name === FORM_TYPE
  const grammar = isForm ? 'query' : documentKind(type, isBinary(target))
  const isJudged = grammar !== undefined && (isForm || restore !== undefined || isBase(target))
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  const isKept = plan.mayReplay && length <= limits.replayBytes
  const judgedBytes = isForm ? limits.formBytes : limits.documentBytes
  const maxBytes = isJudged ? judgedBytes : limits.maxBodyBytes
  if (length > maxBytes) throw new BrokerError('body_too_large')
  const uploadLimits = { maxBytes, idleMs: limits.bodyIdleMs }
  const headers = ['content-type', request.headers['content-type'] as string]
  if (!isJudged && !isKept) {
    if (!Number.isNaN(length)) headers.push('content-length', String(length))
    return { body: streamBody(request, uploadLimits), headers, isHeld: false }
  }
  const { body, release } = await readBody(
    request,
    { ...uploadLimits, totalMs: limits.heldBodyMs },
    memory,
  )
  try {
    return { body: isJudged ? judge(grammar, body, plan) : body, headers, isHeld: true, release }
  } catch (error) {
    release()
    throw error
  }
}

function judge(grammar: Grammar, body: Buffer, { target, url, restore }: BodyPlan): Buffer {
  const sent = body.toString('latin1')
  const text = restore ? restore(grammar, sent) : sent
  if (grammar === 'query') verifyParameters(text)
  else if (isBase(target)) verifyEntryUrls(grammar, text, url)
  return text === sent ? body : Buffer.from(text, 'latin1')
}
