// Log lines on their way out, in batches and bounded in bytes: what finds no room, or cannot be
// written, is dropped and counted. No I/O.

export interface LineQueue {
  /** Adds whole lines, the last one with its end. */
  add(lines: string): void
  /** The bytes to write next. */
  head(): Buffer | undefined
  /** So many bytes of the head are written. */
  advance(bytes: number): void
  /** Gives up everything that waits. */
  drop(): void
  /** Lines dropped so far. */
  readonly droppedLines: number
}

const NEWLINE = 10

/** An empty queue of at most so many bytes. */
export function createLineQueue(maxBytes: number): LineQueue {
  const batches: Buffer[] = []
  let bytesWaiting = 0
  let droppedLines = 0
  /** Written: the beginning of a line whose rest was dropped. */
  let isTorn = false
  let isInLine = false

  return {
    add(lines) {
      const batch = Buffer.from(isTorn ? `\n${lines}` : lines)
      if (bytesWaiting + batch.length > maxBytes) {
        droppedLines += countLines(lines)
        return
      }
      isTorn = false
      batches.push(batch)
      bytesWaiting += batch.length
    },
    head: () => batches[0],
    advance(bytes) {
      const [head] = batches
      if (head === undefined || bytes === 0) return
      bytesWaiting -= bytes
      isInLine = head[bytes - 1] !== NEWLINE
      if (bytes === head.length) batches.shift()
      else batches[0] = head.subarray(bytes)
    },
    drop() {
      for (const batch of batches) droppedLines += countLines(batch)
      // Of this one everything is written but its end, which comes with the next lines.
      if (isInLine && batches[0]?.[0] === NEWLINE) droppedLines--
      batches.length = 0
      bytesWaiting = 0
      isTorn = isInLine
    },
    get droppedLines() {
      return droppedLines
    },
  }
}

function countLines(lines: string | Buffer): number {
  let count = 0
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) count++
  return count
}
