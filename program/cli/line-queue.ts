// Log lines on their way out, in batches and bounded in bytes: what finds no room, or cannot be
// written, is dropped and counted. No I/O.

export interface LineQueue {
  /** Adds whole lines, the last one with its end; `settle` is told whether they were written. */
  add(lines: string | Buffer, settle?: Settle): void
  /** The bytes to write next. */
  head(): Buffer | undefined
  /** So many bytes of the head are written. */
  advance(bytes: number): void
  /** Gives up everything that waits. */
  drop(): void
  /** Lines dropped so far. */
  readonly droppedLines: number
}

/** Hears once what became of lines. */
export type Settle = (areWritten: boolean) => void

const NEWLINE = 10
const END = Buffer.from('\n')

/** An empty queue of at most so many bytes. */
export function createLineQueue(maxBytes: number): LineQueue {
  const batches: { bytes: Buffer; settle: Settle | undefined }[] = []
  let bytesWaiting = 0
  let droppedLines = 0
  /** Written: the beginning of a line whose rest was dropped. */
  let isTorn = false
  let isInLine = false

  return {
    add(lines, settle) {
      const bytes = typeof lines === 'string' ? Buffer.from(lines) : lines
      const batch = isTorn ? Buffer.concat([END, bytes]) : bytes
      if (bytesWaiting + batch.length > maxBytes) {
        droppedLines += countLines(lines)
        settle?.(false)
        return
      }
      isTorn = false
      batches.push({ bytes: batch, settle })
      bytesWaiting += batch.length
    },
    head: () => batches[0]?.bytes,
    advance(bytes) {
      const [head] = batches
      if (head === undefined || bytes === 0) return
      bytesWaiting -= bytes
      isInLine = head.bytes[bytes - 1] !== NEWLINE
      if (bytes === head.bytes.length) {
        batches.shift()
        head.settle?.(true)
      } else head.bytes = head.bytes.subarray(bytes)
    },
    drop() {
      const dropped = batches.splice(0)
      for (const { bytes } of dropped) droppedLines += countLines(bytes)
      // Of this one everything is written but its end, which comes with the next lines.
      if (isInLine && dropped[0]?.bytes[0] === NEWLINE) droppedLines--
      bytesWaiting = 0
      isTorn = isInLine
      for (const { settle } of dropped) settle?.(false)
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
