// A body that is held until all of it was judged: in blocks of our own, because its pieces may be a
// byte each and keep a whole network buffer alive. No I/O.

/** Changes that are made when the bytes are taken. */
export interface LateChanges {
  /** How many bytes more (or less) there are with them. */
  readonly growth: number
  readonly count: number
  apply(blocks: Iterable<Buffer>): Iterable<Buffer> & Iterator<Buffer>
}

export interface HeldBody {
  add(piece: Buffer): void
  /** The bytes as one, where they fit a block; else as blocks, to be sent with their length told. */
  take(edits?: LateChanges): { body: Buffer | Iterable<Buffer>; length: number }
}

const BLOCK_BYTES = 64 * 1024

export function createHeldBody(): HeldBody {
  const full: Buffer[] = []
  let block: Buffer = Buffer.alloc(0)
  let used = 0
  let length = 0

  return {
    add(piece) {
      length += piece.length
      // Most bodies come as one piece, which can stay as it is.
      if (length === piece.length) {
        block = piece
        used = piece.length
        return
      }
      for (let from = 0; from < piece.length; ) {
        if (used === block.length) addBlock()
        const copied = piece.copy(block, used, from)
        used += copied
        from += copied
      }
    },
    take(edits) {
      const blocks = [...full, block.subarray(0, used)]
      const sent = edits?.count ? { [Symbol.iterator]: () => edits.apply(blocks) } : blocks
      const total = length + (edits?.growth ?? 0)
      if (total > BLOCK_BYTES) return { body: sent, length: total }
      const [only = block.subarray(0, 0), ...more] = sent
      return { body: more.length > 0 ? Buffer.concat([only, ...more]) : only, length: total }
    },
  }

  function addBlock(): void {
    full.push(block)
    block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
    used = 0
  }
}
