// A document in another charset becomes UTF-8 before anything reads it, whole or not at all: what cannot
// be decoded ends the answer (WHATWG Encoding; RFC 8259 section 8.1; XML 1.0 section 4.3.3).

import { BrokerError } from '../errors.ts'
import type { DocumentKind } from '../proxy/media-type.ts'
import type { Outlet, Sink } from './sinks.ts'

/** No UTF-8 begins with this byte or the one above it. */
const UTF_16_MARK = 0xfe
/** How long a declaration may be in which an XML document names its encoding. */
const LONGEST_DECLARATION = 512
const DECLARED = /^(<\?xml[^>]*?\sencoding\s*=\s*)(["'])[\w.:-]*\2/

/** Refuses a document that begins with a mark of UTF-16, which no header has named. */
export function createUtf8Gate(outlet: Outlet, next: Sink): Sink {
  let isBegun = false
  return {
    ...next,
    push(chunk) {
      if (!isBegun && chunk.length > 0) {
        isBegun = true
        if ((chunk[0] as number) >= UTF_16_MARK) {
          const detail = 'UTF-16, and no header says so'
          outlet.onError(new BrokerError('upstream_charset', { detail }))
          return false
        }
      }
      return next.push(chunk)
    },
  }
}

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
