// The chain that audit lines form: each holds its number, the hash of the line before it, and its own. What
// is written in one go ends with a seal, a line that holds a signature over the one before it. What was
// removed, changed, put in or reordered breaks the chain; what was cut off its end is seen by a noted head.

import { hash } from 'node:crypto'

/** Where a chain stands: how many lines it has and the hash of the last. */
export interface Head {
  count: number
  hash: string
}

/** Why a line breaks the chain, and which one it is, from 1. */
export interface Break {
  line: number
  reason: Reason
}

export type Reason =
  | 'unreadable'
  | 'changed'
  | 'missing'
  | 'out_of_order'
  | 'cut_off'
  | 'unsealed'
  | 'forged'
  | 'unknown_key'
  | 'end_unknown'

/** A signature, and the name of the key that made it. */
export interface Signature {
  kid: string
  signature: string
}

/** A line that belongs behind the one before it. */
export interface Link {
  head: Head
  /** The event, or the seal, as JSON. */
  content: string
  isSeal: boolean
}

/** Where every chain begins. */
export const START: Head = { count: 0, hash: '0'.repeat(64) }

const LINE =
  /^\{"seq":([1-9]\d{0,14}),"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})","(event|seal)":(\{.*\})\}$/s
const SEAL = /^\{"kid":"([\w-]{1,64})","signature":"([\w-]{86})"\}$/

/** Links an event, given as JSON of one line, to a chain: the line without its end, and the new head. */
export function linkLine(before: Head, event: string): { line: string; head: Head } {
  return link(before, 'event', event)
}

/** Ends what is written in one go with a signature over the line before. */
export function linkSeal(
  before: Head,
  { kid, signature }: Signature,
): { line: string; head: Head } {
  return link(before, 'seal', `{"kid":"${kid}","signature":"${signature}"}`)
}

/** Reads the signature of a seal; undefined for what is none. */
export function readSeal(content: string): Signature | undefined {
  const [, kid, signature] = SEAL.exec(content) ?? []
  return kid === undefined || signature === undefined ? undefined : { kid, signature }
}

/** Follows a line: what it holds and the head after it, or why it does not belong behind the one before. */
export function followLine(before: Head, line: string): Link | Reason {
  const [, number, prev = '', own = '', kind = '', content = ''] = LINE.exec(line) ?? []
  if (number === undefined) return 'unreadable'
  const seq = Number(number)
  if (hashOf(seq, prev, kind, content) !== own) return 'changed'
  if (seq > before.count + 1) return 'missing'
  if (seq !== before.count + 1 || prev !== before.hash) return 'out_of_order'
  const isSeal = kind === 'seal'
  if (isSeal && readSeal(content) === undefined) return 'unreadable'
  return { head: { count: seq, hash: own }, content, isSeal }
}

/** A line as it tells of itself: unproved. */
export interface ToldLine {
  before: Head
  head: Head
  content: string
  isSeal: boolean
}

/** Reads a line by itself, without the one before it; undefined for what is none. */
export function readLine(line: string): ToldLine | undefined {
  const [, number, prev = '', own = '', kind, content = ''] = LINE.exec(line) ?? []
  if (number === undefined) return undefined
  const count = Number(number)
  return {
    before: { count: count - 1, hash: prev },
    head: { count, hash: own },
    ...{ content, isSeal: kind === 'seal' },
  }
}

function link(before: Head, kind: 'event' | 'seal', content: string) {
  const seq = before.count + 1
  const own = hashOf(seq, before.hash, kind, content)
  const line = `{"seq":${seq},"prev":"${before.hash}","hash":"${own}","${kind}":${content}}`
  return { line, head: { count: seq, hash: own } }
}

function hashOf(seq: number, prev: string, kind: string, content: string): string {
  return hash('sha256', `${seq}\n${prev}\n${kind}\n${content}`)
}
