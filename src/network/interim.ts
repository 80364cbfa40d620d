// Interim answers of the kind that undici takes for a breach of the protocol: a 100 Continue for which
// nobody asked, which RFC 9110 15.2 tells every client to skip. It is taken out of what a connection
// reads, at the beginning of an answer and nowhere else, within bounds. Pure: no I/O, no clock.

/** Takes what was read; gives what is to be parsed, or null when the head is not whole yet. */
export interface InterimFilter {
  /** A request was sent: what is read next begins with a head. */
  expect(): void
  pass(chunk: Buffer): Buffer | null
}

const MOST_HEADS = 20
const MOST_BYTES = 16 * 1024
const STATUS_LENGTH = 'HTTP/1.1 100'.length
const FIRST_DIGIT = 'HTTP/1.1 '.length
const ONE = 0x31
const INTERIM = /^HTTP\/1\.\d 1(?!01)\d\d/
const MAY_BE_INTERIM = /^H?T?T?P?\/?1?\.?\d? ?1?\d?$/
const HEAD_END = '\r\n\r\n'

/**
 * A filter for one connection on which one request follows the other. Heads of 100 are dropped, of
 * other interim answers handed on; after twenty heads or 16 KiB everything is.
 */
export function createInterimFilter(): InterimFilter {
  let isAtHead = false
  let heads = 0
  let bytes = 0
  let held: Buffer | undefined

  return {
    expect() {
      isAtHead = true
      heads = 0
      bytes = 0
    },
    pass(chunk) {
      if (!isAtHead) return chunk
      // By far the most answers: the first digit of their status says that they are none of these.
      if (held === undefined && chunk.length >= STATUS_LENGTH && chunk[FIRST_DIGIT] !== ONE) {
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
      const start = rest.toString('latin1', 0, STATUS_LENGTH)
      const isInterim = INTERIM.test(start)
      const isShort = rest.length < STATUS_LENGTH && MAY_BE_INTERIM.test(start)
      const end = isInterim ? rest.indexOf(HEAD_END) : -1
      const isWhole = end >= 0
      const size = isWhole ? end + HEAD_END.length : rest.length
      if ((!isInterim && !isShort) || heads > MOST_HEADS || bytes + size > MOST_BYTES) {
        isAtHead = false
        passed.push(rest)
        break
      }
      if (!isWhole) {
        held = rest
        break
      }
      heads++
      bytes += size
      if (!start.endsWith('100')) passed.push(rest.subarray(0, size))
      rest = rest.subarray(size)
    }
    return passed.length === 0 ? null : join(passed)
  }
}

function join(parts: Buffer[]): Buffer {
  const [first] = parts
  return parts.length === 1 && first ? first : Buffer.concat(parts)
}
