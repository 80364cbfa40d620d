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
const HEADERS = { accept: 'application/fhir+json, application/json;q=0.9' }

/** Makes the function that gives an EHR's statement as text. */
export function createStatements({ fetchFor, facadeUrlOf, now, steady }: StatementsOptions) {
  const kept = new Map<string, { text: string; until: number }>()

  return async function read(registration: Registration): Promise<string> {
    const known = kept.get(registration.id)
    if (known !== undefined && steady() < known.until) return known.text
    const own = await ask(registration).catch(() => undefined)
    const date = new Date(now()).toISOString()
    const text = JSON.stringify(buildCapabilityStatement(facadeUrlOf(registration), own, date))
    if (own !== undefined) kept.set(registration.id, { text, until: steady() + KEPT_MS })
    return text
  }

  async function ask(registration: Registration): Promise<object | undefined> {
    const url = `${registration.iss.replace(/\/$/, '')}/metadata`
    const asked = { headers: HEADERS, maxBytes: MAX_BYTES, follows: true }
    const answer = await fetchFor(registration)(url, asked)
    const read = parseJsonObject(new Uint8Array(await answer.arrayBuffer()))
    return answer.ok && read.kind === 'object' ? read.object : undefined
  }
}
