// What becomes of the bytes of an answer that does not pass as it comes: a small document is collected
// and rewritten at once, a large one piece by piece, and a compressed one is decoded before, in flat
// memory and within a bound, because what grows beyond all likelihood is a bomb (attacks R14, R15).

import { createGunzip } from 'node:zlib'
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

/** Decodes gzip for another sink, or for the client itself. */
export function createInflater(outlet: Outlet, next: Sink | undefined): Sink {
  const gunzip = createGunzip()
  let received = 0
  let given = 0
  gunzip.on('data', (chunk: Buffer) => {
    given += chunk.length
    if (given > FREE_BYTES && given > received * MAX_RATIO) {
      gunzip.destroy(new Error('inflates too far'))
      return
    }
    guard(() => {
      if (!(next ? next.push(chunk) : outlet.write(chunk))) gunzip.pause()
    })
  })
  gunzip.on('end', () => guard(() => (next ? next.end() : outlet.finish(''))))
  gunzip.on('drain', () => guard(() => outlet.onDrain()))
  gunzip.on('error', error => outlet.onError(error))
  return {
    push(chunk) {
      received += chunk.length
      return gunzip.write(chunk)
    },
    end: () => void gunzip.end(),
    resume: () => void gunzip.resume(),
    destroy: () => void gunzip.destroy(),
  }

  // The decoder calls from the event loop, where nobody would catch what the next step throws.
  function guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      gunzip.destroy(error as Error)
    }
  }
}
