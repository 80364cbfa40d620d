// The names of JSON objects: none twice in one object, none that a reader could cut or take for
// another, and not without end. Which of two members counts is each reader's own choice (RFC 8259
// section 4), so two that are equal are refused wherever they stand. Kept are hashes of 52 bits: equal
// names have equal ones, and others only by an accident of one in 10^12. Pure: no I/O, no clock.

const MAX_NAMES = 1024
const LONGEST = 256
const UNREADABLE = /[\p{Cc}\p{Cs}]/u
const BACKSLASH = 0x5c
const DELETE = 0x7f

/** Remembers the names of all objects that are open, the innermost last. */
export interface JsonNames {
  open(): void
  close(): void
  /** Adds a name to the innermost object; tells, in fixed words, why it may not be there. */
  add(name: string): string | undefined
  /**
   * The same for a name as it is written, if it is short and written without escapes and in ASCII alone; else
   * it is `unread`, and nothing happens.
   */
  addWritten(bytes: Buffer, from: number, to: number): string | undefined
}

export function createJsonNames(): JsonNames {
  const hashes: number[] = []
  const starts: number[] = []

  return {
    open: () => void starts.push(hashes.length),
    close() {
      hashes.length = starts.pop() ?? 0
    },
    add(name) {
      if (name.length > LONGEST || UNREADABLE.test(name)) return 'a name that is none'
      let [high, low] = [HIGH, LOW]
      for (let i = 0; i < name.length; i++) {
        high = mixHigh(high, name.charCodeAt(i))
        low = mixLow(low, name.charCodeAt(i))
      }
      return addHash(join(high, low))
    },
    addWritten(bytes, from, to) {
      // Bytes and escapes are more than the characters that count.
      if (to - from > LONGEST) return 'unread'
      let [high, low] = [HIGH, LOW]
      for (let at = from; at < to; at++) {
        const code = bytes[at] as number
        if (code === BACKSLASH || code >= DELETE) return 'unread'
        high = mixHigh(high, code)
        low = mixLow(low, code)
      }
      return addHash(join(high, low))
    },
  }

  function addHash(hash: number): string | undefined {
    const start = starts.at(-1) ?? 0
    for (let i = start; i < hashes.length; i++) {
      if (hashes[i] === hash) return 'a name twice in one object'
    }
    return hashes.push(hash) - start > MAX_NAMES ? 'too many names in one object' : undefined
  }
}

// FNV-1a in two lanes.
const HIGH = 0x811c9dc5
const LOW = 0x9747b28c

function mixHigh(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193)
}

function mixLow(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x85ebca6b) ^ (hash >>> 15)
}

function join(high: number, low: number): number {
  return (high >>> 0) * 2 ** 20 + (low & 0xfffff)
}
