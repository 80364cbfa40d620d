// What is to be changed in bytes that were judged piece by piece: a few places of a long text, put in
// only when the bytes are sent, block by block. Pure: no I/O, no clock.

/** Changes in the order of their places; latin1 text, so that characters are bytes. */
export interface Edits {
  /** How many bytes more (or less) the text has with them. */
  readonly growth: number
  readonly count: number
  /** Puts a text in the place of the bytes between two offsets, both behind all earlier changes. */
  replace(from: number, to: number, text: string): void
  /** A whole text with the changes in it. */
  applyTo(text: string): string
  /** The blocks with the changes in them; may be called again and again. */
  apply(blocks: Iterable<Buffer>): Generator<Buffer, void, undefined>
}

export function createEdits(): Edits {
  // Lists of numbers, because a hostile body asks for some hundred thousand changes.
  const places: number[] = []
  const texts: string[] = []
  let growth = 0

  const edits: Edits = {
    get growth() {
      return growth
    },
    get count() {
      return texts.length
    },
    replace(from, to, text) {
      places.push(from, to)
      texts.push(text)
      growth += text.length - (to - from)
    },
    applyTo(text) {
      if (texts.length === 0) return text
      return Buffer.concat([...edits.apply([Buffer.from(text, 'latin1')])]).toString('latin1')
    },
    *apply(blocks) {
      let next = 0
      /** Offset of the block, and of the first byte that neither was given out nor replaced. */
      let offset = 0
      let rest = 0
      for (const block of blocks) {
        const end = offset + block.length
        const parts: Buffer[] = []
        while (next < texts.length && (places[2 * next] as number) < end) {
          parts.push(sliceOf(block, offset, rest, places[2 * next] as number))
          parts.push(Buffer.from(texts[next] as string, 'latin1'))
          rest = places[2 * next++ + 1] as number
        }
        if (rest < end) {
          parts.push(sliceOf(block, offset, rest, end))
          rest = end
        }
        offset = end
        if (parts.length > 0) yield parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
      }
    },
  }
  return edits
}

function sliceOf(block: Buffer, offset: number, from: number, to: number): Buffer {
  return block.subarray(Math.max(0, from - offset), to - offset)
}
