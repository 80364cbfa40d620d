// Runs a judge over a body in pieces, as the proxy does.

import { createJudge } from '../../src/proxy/judges.ts'
import { buildOwnAddress } from '../../src/proxy/own-address.ts'
import type { Grammar } from '../../src/proxy/written.ts'
import { refusalOf } from './refusal.ts'

export const publicUrl = 'https://app.example.org/bff'
export const sessionId = 'AAAAAAAAAAAAAAAAAAAAAA'
export const ours = `${publicUrl}/sessions/${sessionId}/fhir`
export const theirs = `${publicUrl}/sessions/BBBBBBBBBBBBBBBBBBBBBB/fhir`
export const base = 'https://ehr.example.org/fhir/r4'
export const whose = { own: buildOwnAddress(publicUrl), sessionId, byAlias: false, base }

export interface Judging {
  /** Sizes of the pieces in turn, the last one again and again. */
  pieces?: readonly number[]
  restores?: boolean
  isBatch?: boolean
  type?: string
}

/** What the EHR would get, or the code of the refusal. */
export function judge(grammar: Grammar, body: string | Buffer, how: Judging = {}) {
  const { pieces = [65_536], restores = true, isBatch = false, type = '' } = how
  const bytes = Buffer.from(body)
  let sent = ''
  const code = refusalOf(() => {
    const judging = createJudge(
      grammar,
      { name: type },
      { whose: restores ? whose : undefined, entriesBelow: isBatch ? base : undefined },
    )
    const blocks = [...cut(bytes, pieces)]
    for (const block of blocks) judging.push(block)
    judging.end()
    sent = Buffer.concat([...judging.edits.apply(blocks)]).toString()
    if (Buffer.byteLength(sent) !== bytes.length + judging.edits.growth) throw new Error('length')
  })
  return code === undefined ? { sent } : { code }
}

function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let from = 0
  for (let i = 0; from < bytes.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] as number
    yield bytes.subarray(from, from + size)
    from += size
  }
}
