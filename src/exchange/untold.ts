// An answer that does not say what it is: its first bytes tell whether it is one of FHIR's documents, and
// its head waits for them. Nothing else is ever told from bytes, so that no file becomes a page.

import type { Answer } from '../proxy/answer.ts'
import { type DocumentKind, sniffDocument } from '../proxy/sniff.ts'
import type { Outlet, Sink } from './sinks.ts'

/** Waits for the first bytes, sends the head that is then right, and hands on to the sink it needs. */
export function createTeller(
  outlet: Outlet,
  untold: Answer,
  chooseSink: (answer: Answer) => Sink | undefined,
): Sink {
  let held: Buffer | undefined = Buffer.alloc(0)
  let next: Sink | undefined
  return {
    push(chunk) {
      if (held === undefined) return give(chunk)
      held = Buffer.concat([held, chunk])
      const kind = sniffDocument(held)
      return kind === undefined ? true : begin(kind)
    },
    end() {
      if (held !== undefined) begin('other')
      if (next === undefined) outlet.finish('')
      else next.end()
    },
    resume() {
      if (next?.resume === undefined) outlet.onDrain()
      else next.resume()
    },
    destroy: () => next?.destroy?.(),
  }

  function begin(kind: DocumentKind | 'other'): boolean {
    const answer = kind === 'other' ? untold : (untold.told?.(kind) ?? untold)
    const first = held ?? Buffer.alloc(0)
    held = undefined
    outlet.begin(answer)
    next = chooseSink(answer)
    return first.length === 0 || give(first)
  }

  function give(chunk: Buffer): boolean {
    return next === undefined ? outlet.write(chunk) : next.push(chunk)
  }
}
