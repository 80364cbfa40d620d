// What becomes of the bytes of an answer that does not pass as it comes: a small document is collected
// and rewritten at once, a large one piece by piece, and a compressed one is decoded before, in flat
// memory and within a bound, because what grows beyond all likelihood is a bomb (attacks R14, R15).

import { type Coding, createDecoder } from '../codings.ts'
import type { Answer } from '../proxy/answer.ts'
import type { Rewriting } from '../proxy/rewrite.ts'

/** Takes an answer's bytes. */
export interface Sink {
  /** False when the sender should pause until the outlet says `onDrain`. */
  push(chunk: Buffer): boolean
  end(): void
  /** The client reads again. */
  resume?(): void
  destroy?(): void
}

/** Where a sink puts what it made. */
export interface Outlet {
  /** Sends the head of an answer that waited for its first bytes. */
  begin(answer: Answer): void
  /** False when the client does not keep up. */
  write(data: Buffer | string): boolean
  /** Ends the answer with its last text. */
  finish(text: string): void
  /** Sends the head, with the length that is known only now, and the whole body. */
  finishWhole(text: string): void
  onDrain(): void
  onError(error: Error): void
}

const MAX_RATIO = 200
const FREE_BYTES = 4 * 1024 * 1024

/** Holds a whole document of a length that was judged before, however small the pieces are. */
export function createCollector(
  outlet: Outlet,
  length: number,
  rewrite: (text: string) => string,
): Sink {
  let whole: Buffer | undefined
  let used = 0
  return {
    push(chunk) {
      // Most come as one piece.
      if (chunk.length === length) {
        whole = chunk
      } else {
        whole ??= Buffer.allocUnsafe(length)
        chunk.copy(whole, used)
      }
      used += chunk.length
      return true
    },
    end: () => outlet.finishWhole(rewrite(whole?.toString('latin1', 0, used) ?? '')),
  }
}

/** Rewrites piece by piece. */
export function createRewriter(outlet: Outlet, rewriting: Rewriting): Sink {
  return {
    push(chunk) {
      const text = rewriting.push(chunk.toString('latin1'))
      return text === '' || outlet.write(text)
    },
    end: () => outlet.finish(rewriting.end()),
  }
}

/**
 * Undoes codings, given in the order in which they were applied, for another sink, or for the client
 * itself.
 */
export function createInflater(
  outlet: Outlet,
  next: Sink | undefined,
  codings: readonly Coding[],
): Sink {
  let decoders: ReturnType<typeof createDecoder>[] = []
  let received = 0
  let given = 0
  return {
    push(chunk) {
      received += chunk.length
      return begin(chunk).write(chunk)
    },
    end: () => void begin().end(),
    resume: () => void decoders.at(-1)?.resume(),
    destroy,
  }

  // The first bytes tell which of two kinds of deflate it is.
  function begin(start: Uint8Array = new Uint8Array()) {
    const [begun] = decoders
    if (begun) return begun
    decoders = codings.toReversed().map((coding, index) => {
      return createDecoder(coding, index === 0 ? start : new Uint8Array())
    })
    for (const decoder of decoders) decoder.on('error', fail)
    const last = decoders.reduce((from, to) => from.pipe(to))
    last.on('data', take).on('end', () => guard(() => (next ? next.end() : outlet.finish(''))))
    const [first = last] = decoders
    return first.on('drain', () => guard(() => outlet.onDrain()))
  }

  function take(chunk: Buffer): void {
    given += chunk.length
    if (given > FREE_BYTES && given > received * MAX_RATIO) fail(new Error('inflates too far'))
    else
      guard(() => {
        if (!(next ? next.push(chunk) : outlet.write(chunk))) decoders.at(-1)?.pause()
      })
  }

  // The decoder calls from the event loop, where nobody would catch what the next step throws.
  function guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      fail(error as Error)
    }
  }

  function fail(error: Error): void {
    destroy()
    outlet.onError(error)
  }

  function destroy(): void {
    for (const decoder of decoders) decoder.destroy()
  }
}
