// Whether a secret can be one, as far as its own bytes show: what a person typed, repeated or counted up
// is no random key. A random one passes but for less than one in a million million. Pure; messages
// never hold a word of the secret.

import { hash, timingSafeEqual } from 'node:crypto'

const MIN_TOKEN_LENGTH = 24
const MIN_TOKEN_SYMBOLS = 6
/** Of 32 random bytes about 30 differ, and so do their steps. */
const MIN_DIFFERENT = 16
const MAX_RUN = 7

/** Why 32 bytes are no random key; undefined when nothing shows it. */
export function findKeyWeakness(bytes: Uint8Array): string | undefined {
  if (new Set(bytes).size < MIN_DIFFERENT || isPeriodic(bytes)) return 'it repeats itself'
  if (new Set(listSteps(bytes)).size < MIN_DIFFERENT) return 'it counts'
  if (longestRun(bytes) > MAX_RUN) return 'part of it is empty'
  if (bytes.every(byte => byte >= 0x20 && byte < 0x7f)) return 'it is text'
  return undefined
}

/** Why a text is no secret token; undefined when nothing shows it. */
export function findTokenWeakness(token: string): string | undefined {
  if (token.length < MIN_TOKEN_LENGTH) return `it has fewer than ${MIN_TOKEN_LENGTH} characters`
  const codes = Array.from(token, letter => letter.charCodeAt(0))
  if (new Set(codes).size < MIN_TOKEN_SYMBOLS || isPeriodic(codes)) return 'it repeats itself'
  return new Set(listSteps(codes)).size < MIN_TOKEN_SYMBOLS ? 'it counts' : undefined
}

/** Whether a text that was sent is the secret; takes as long for every text. */
export function isSecret(sent: unknown, secret: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer')
  return timingSafeEqual(digest(typeof sent === 'string' ? sent : ''), digest(secret))
}

type Codes = Uint8Array | readonly number[]

/** Whether it is one piece several times over, the last time perhaps in part. */
function isPeriodic(codes: Codes): boolean {
  for (let period = 1; period * 2 <= codes.length; period++) {
    let same = period
    while (same < codes.length && codes[same] === codes[same - period]) same++
    if (same === codes.length) return true
  }
  return false
}

function listSteps(codes: Codes): number[] {
  const steps: number[] = []
  for (let i = 1; i < codes.length; i++) {
    steps.push(((codes[i] as number) - (codes[i - 1] as number)) & 0xff)
  }
  return steps
}

function longestRun(codes: Codes): number {
  let longest = 0
  let run = 0
  for (let i = 0; i < codes.length; i++) {
    run = i > 0 && codes[i] === codes[i - 1] ? run + 1 : 1
    longest = Math.max(longest, run)
  }
  return longest
}
