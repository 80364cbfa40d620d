// A document in another charset becomes UTF-8 before anything reads it, whole or not at all: what cannot
// be decoded ends the answer (WHATWG Encoding; RFC 8259 section 8.1; XML 1.0 section 4.3.3).

import type { DocumentKind } from '../proxy/media-type.ts'
import type { Outlet, Sink } from './sinks.ts'

/** How long a declaration may be in which an XML document names its encoding. */
const LONGEST_DECLARATION = 512
const DECLARED = /^(<\?xml[^>]*?\sencoding\s*=\s*)(["'])[\w.:-]*\2/

/** Decodes for another sink; `encoding` is one that `TextDecoder` has. */
export function createTranscoder(
  outlet: Outlet,
  next: Sink,
  { encoding, kind }: { encoding: string; kind: DocumentKind },
): Sink {
  const decoder = new TextDecoder(encoding, { fatal: true })
  /** The beginning of an XML document, until its declaration is there. */
  let begun: string | undefined = kind === 'xml' ? '' : undefined
  let isBroken = false
  return {
    push(chunk) {
      const text = decode(chunk)
      if (text === undefined) return false
      if (begun === undefined) return give(text)
      begun += text
      const isWhole = begun.includes('>') || begun.length > LONGEST_DECLARATION
      return isWhole ? giveBegun() : true
    },
    end() {
      const rest = decode()
      if (rest === undefined) return
      if (begun !== undefined) giveBegun()
      give(rest)
      next.end()
    },
    resume: next.resume && (() => next.resume?.()),
    destroy: () => next.destroy?.(),
  }

  // The declaration would contradict the bytes that it now stands in.
  function giveBegun(): boolean {
    const text = (begun ?? '').replace(DECLARED, '$1$2UTF-8$2')
    begun = undefined
    return give(text)
  }

  function give(text: string): boolean {
    return text === '' || next.push(Buffer.from(text))
  }

  function decode(chunk?: Buffer): string | undefined {
    if (isBroken) return undefined
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch (error) {
      isBroken = true
      outlet.onError(error as Error)
      return undefined
    }
  }
}
