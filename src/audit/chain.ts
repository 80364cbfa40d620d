// The chain that audit lines form: each holds its number, the hash of the line before it, and its own.
// What was removed, changed or reordered breaks it; what was cut off its end is seen by the head alone.

import { createHash } from 'node:crypto'

/** Where a chain stands: how many lines it has and the hash of the last. */
export interface Head {
  count: number
  hash: string
}

/** Why a line breaks the chain, and which one it is, from 1. */
export interface Break {
  line: number
  reason: 'unreadable' | 'changed' | 'out_of_order' | 'cut_off'
}

/** Where every chain begins. */
export const START: Head = { count: 0, hash: '0'.repeat(64) }

const LINE =
  /^\{"seq":(\d{1,15}),"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})","event":(\{.*\})\}$/

/** Links an event, given as JSON of one line, to a chain: the line without its end, and the new head. */
export function linkLine({ count, hash: prev }: Head, event: string): { line: string; head: Head } {
  const seq = count + 1
  const hash = hashOf(seq, prev, event)
  const line = `{"seq":${seq},"prev":"${prev}","hash":"${hash}","event":${event}}`
  return { line, head: { count: seq, hash } }
}

/** Follows a line: the head after it, or why it does not belong behind the one before. */
export function followLine(before: Head, line: string): Head | Break['reason'] {
  const [, number, prev = '', hash = '', event = ''] = LINE.exec(line) ?? []
  if (number === undefined) return 'unreadable'
  const seq = Number(number)
  if (hashOf(seq, prev, event) !== hash) return 'changed'
  if (seq !== before.count + 1 || prev !== before.hash) return 'out_of_order'
  return { count: seq, hash }
}

/**
 * Follows lines from START to their end, and gives where they end or the first break. They have to pass
 * `known`, a head that was noted earlier: without it, lines missing at the end cannot be seen.
 */
export async function followChain(
  lines: Iterable<string> | AsyncIterable<string>,
  known: Head = START,
): Promise<Head | Break> {
  let head = START
  for await (const text of lines) {
    const line = head.count + 1
    const next = followLine(head, text)
    if (typeof next === 'string') return { line, reason: next }
    head = next
    if (head.count === known.count && head.hash !== known.hash) return { line, reason: 'changed' }
  }
  return head.count < known.count ? { line: head.count + 1, reason: 'cut_off' } : head
}

function hashOf(seq: number, prev: string, event: string): string {
  return createHash('sha256').update(`${seq}\n${prev}\n${event}`).digest('hex')
}
