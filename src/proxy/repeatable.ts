// What may be sent a second time. By what a request says of itself, never by what an EHR makes of it: one
// that ignores a condition would do twice what was asked for once. Pure: no I/O, no clock.

import type { Target } from './target.ts'

export interface Repeated {
  method: string
  target: Pick<Target, 'path'>
  request: { headers: { 'if-match'?: string; 'if-none-exist'?: string | string[] } }
}

const CREATE = /^\/[A-Z][A-Za-z]*\/?$/
/** Of everything, of a type, of a compartment: never of what stands behind an operation. */
const SEARCH = /^(?:\/[A-Z][A-Za-z]*(?:\/[^/$]+\/(?:[A-Z][A-Za-z]*|\*))?)?\/_search\/?$/

/**
 * Whether a request means the same done twice, so that it may be sent again though the EHR may have seen
 * it: the idempotent methods, and searches by POST (RFC 9110 9.2.2). A condition changes nothing here.
 */
export function isRepeatable(request: Repeated): boolean {
  return request.method === 'PUT' || request.method === 'DELETE' || isRead(request)
}

/**
 * Whether a request that the EHR has refused with 401 goes once more: reads, and writes that could not be
 * done a second time even so, because they name the version they change or the record they would double.
 */
export function isReplayable(request: Repeated): boolean {
  if (isRead(request)) return true
  const { method, target } = request
  const { headers } = request.request
  if (method === 'POST') return CREATE.test(target.path) && namesRecord(headers['if-none-exist'])
  return namesVersion(headers['if-match'])
}

function isRead({ method, target }: Repeated): boolean {
  return method === 'GET' || method === 'HEAD' || (method === 'POST' && SEARCH.test(target.path))
}

/** `*` is true of every version, also of the one that a first request has made. */
function namesVersion(condition: string | undefined): boolean {
  return condition?.includes('"') ?? false
}

function namesRecord(condition: string | string[] | undefined): boolean {
  return String(condition ?? '').includes('=')
}
