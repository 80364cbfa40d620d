// Whether bytes that come in pieces are UTF-8: a character may be cut by the border of two pieces.
// Pure: no I/O, no clock. RFC 3629.

import { isUtf8 } from 'node:buffer'

export interface Utf8Check {
  /** False when what has come so far cannot be UTF-8, whatever follows. */
  push(bytes: Buffer): boolean
  /** False when a character is left without its end. */
  end(): boolean
}

const NOTHING: Buffer = Buffer.alloc(0)

export function createUtf8Check(): Utf8Check {
  /** The beginning of a character whose end has not come. */
  let begun = NOTHING
  return {
    push(bytes) {
      const text = begun.length === 0 ? bytes : Buffer.concat([begun, bytes])
      const end = findBegun(text)
      if (end === text.length) {
        begun = NOTHING
        return isUtf8(text)
      }
      begun = Buffer.from(text.subarray(end))
      return isUtf8(text.subarray(0, end))
    },
    end: () => begun.length === 0,
  }
}

/** Where the last character begins when its bytes are not all there; else the end. */
function findBegun(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return length > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}
