// What becomes of the bytes of an answer that does not pass as it comes: a small document is collected
// and rewritten at once, a large one piece by piece (attacks R14).

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
