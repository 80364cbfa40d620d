// Interim answers as servers send them (RFC 9110 15.2): a 100 Continue for which nobody asked is skipped,
// which undici takes for a breach of the protocol, and of all kinds no more are borne than an answer has
// any use for. Looks at what a connection reads, at the beginning of an answer and nowhere else. Pure: no
// I/O, no clock.

/** Takes what was read; gives what is to be parsed, or null when the head is not whole yet. */
export interface InterimFilter {
  /** A request was sent: what is read next begins with a head. */
  expect(): void
  /** Throws an EndlessInterim for the 21st interim answer, or above 16 KiB of them. */
  pass(chunk: Buffer): Buffer | null
  /** Nothing was read since the request was sent. */
  readonly isSilent: boolean
}

/** More interim answers than any request has a use for. */
export class EndlessInterim extends Error {
  readonly code = 'ENDLESS_INTERIM'

  constructor() {
    super('endless interim answers')
    this.name = 'EndlessInterim'
  }
}

const MOST_HEADS = 20
const MOST_BYTES = 16 * 1024
const STATUS_LENGTH = 'HTTP/1.1 100 '.length
const FIRST_DIGIT = 'HTTP/1.1 '.length
const [H, ONE, CR, LF] = [0x48, 0x31, 0x0d, 0x0a]
const INTERIM = /^HTTP\/1\.\d (1(?!01)\d\d)[ \r\n]/
const MAY_BE_INTERIM = /^H?T?T?P?\/?1?\.?\d? ?(?:1\d?\d?)?$/
/** The first empty line: a lone LF ends a line too (RFC 9112 2.2). */
const HEAD_END = /\r?\n\r?\n/

/**
 * A filter for one connection on which one request follows the other. Heads of 100 are dropped, of
 * other interim answers handed on.
 */
export function createInterimFilter(): InterimFilter {
  let isAtHead = false
  let isSilent = true
  let heads = 0
  let bytes = 0
  let held: Buffer | undefined

  return {
    get isSilent() {
      return isSilent
    },
    expect() {
      isAtHead = true
      isSilent = true
      heads = 0
      bytes = 0
      held = undefined
    },
    pass(chunk) {
      isSilent = false
      if (!isAtHead) return chunk
      // By far the most answers: the first digit of their status says that they are none of these.
      if (held === undefined && chunk[0] === H && isFinal(chunk)) {
        isAtHead = false
        return chunk
      }
      return passHeads(held ? Buffer.concat([held, chunk]) : chunk)
    },
  }

  function passHeads(read: Buffer): Buffer | null {
    let rest = read
    held = undefined
    const passed: Buffer[] = []
    while (rest.length > 0) {
      // Line ends before a status line are nobody's (RFC 9112 2.2).
      const lead = countLineEnds(rest)
      const start = rest.toString('latin1', lead, lead + STATUS_LENGTH)
      const [, status] = INTERIM.exec(start) ?? []
      if (status === undefined && !(start.length < STATUS_LENGTH && MAY_BE_INTERIM.test(start))) {
        isAtHead = false
        passed.push(rest)
        break
      }
      const size = status === undefined ? undefined : findEnd(rest, lead)
      const isOneTooMany = status !== undefined && heads === MOST_HEADS
      if (isOneTooMany || bytes + (size ?? rest.length) > MOST_BYTES) throw new EndlessInterim()
      if (size === undefined) {
        held = rest
        break
      }
      heads++
      bytes += size
      if (status !== '100') passed.push(rest.subarray(0, size))
      rest = rest.subarray(size)
    }
    return passed.length === 0 ? null : join(passed)
  }
}

function isFinal(chunk: Buffer): boolean {
  return chunk.length > FIRST_DIGIT && chunk[FIRST_DIGIT] !== ONE
}

function countLineEnds(read: Buffer): number {
  let count = 0
  while (read[count] === CR || read[count] === LF) count++
  return count
}

/** How long the head is that begins behind so many line ends; undefined while its end is not there. */
function findEnd(read: Buffer, lead: number): number | undefined {
  const end = HEAD_END.exec(read.toString('latin1', lead, MOST_BYTES + 1))
  return end ? lead + end.index + end[0].length : undefined
}

function join(parts: Buffer[]): Buffer {
  const [first] = parts
  return parts.length === 1 && first ? first : Buffer.concat(parts)
}
