// The CapabilityStatements that existing apps are shown: each EHR's own, read now and then, with our endpoints
// in it. An EHR that does not answer leaves the least that an app needs. The network and the clocks are
// passed in.

import { parseJsonObject } from '../smart/json.ts'
import type { ProtocolFetch, Registration } from '../smart/types.ts'
import { buildCapabilityStatement } from './documents.ts'

export interface StatementsOptions {
  fetchFor(registration: Registration): ProtocolFetch
  facadeUrlOf(registration: Registration): string
  /** Milliseconds since the epoch. */
  now: () => number
  /** Milliseconds of a clock that nobody sets. */
  steady: () => number
}

const MAX_BYTES = 4 * 1024 * 1024
const KEPT_MS = 600_000
/** Rest after a failure, in which the EHR is not asked again. */
const FAILED_MS = 30_000
const HEADERS = { accept: 'application/fhir+json, application/json;q=0.9' }

interface Kept {
  text: Promise<string>
  /** Endless while the EHR is asked, so that it is asked once for all. */
  until: number
}

/**
 * Makes the function that gives an EHR's statement as text. Whoever asks costs the EHR nothing: one question
 * in ten minutes, one in half a minute while it fails, and meanwhile what it said last.
 */
export function createStatements({ fetchFor, facadeUrlOf, now, steady }: StatementsOptions) {
  const kept = new Map<string, Kept>()

  return async function read(registration: Registration): Promise<string> {
    const known = kept.get(registration.id)
    if (known !== undefined && steady() < known.until) return await known.text
    const entry: Kept = { text: Promise.resolve(''), until: Number.POSITIVE_INFINITY }
    entry.text = renew(registration, entry, known)
    kept.set(registration.id, entry)
    return await entry.text
  }

  async function renew(registration: Registration, entry: Kept, last?: Kept): Promise<string> {
    const own = await ask(registration).catch(() => undefined)
    entry.until = steady() + (own === undefined ? FAILED_MS : KEPT_MS)
    if (own === undefined && last !== undefined) return await last.text
    const date = new Date(now()).toISOString()
    return JSON.stringify(buildCapabilityStatement(facadeUrlOf(registration), own, date))
  }

  async function ask(registration: Registration): Promise<object | undefined> {
    const url = `${registration.iss.replace(/\/$/, '')}/metadata`
    const asked = { headers: HEADERS, maxBytes: MAX_BYTES, follows: true }
    const answer = await fetchFor(registration)(url, asked)
    const body = new Uint8Array(await answer.arrayBuffer())
    const read = parseJsonObject(body, answer.headers.get('content-type'))
    return answer.ok && read.kind === 'object' ? read.object : undefined
  }
}
