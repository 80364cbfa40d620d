// XML read as its bytes come, by saxes: well-formed XML 1.0 with namespaces, in UTF-8, without a document
// type (so without entities of its own), and with bounds for what a reader has to keep. Bytes are given
// to the parser as latin1, so that its positions are ours. Pure: no I/O, no clock.

import { SaxesParser } from 'saxes'
import { BrokerError } from '../errors.ts'
import { createUtf8Check } from './utf8.ts'

/** Told of everything in the order of the text; what it throws ends the reading. */
export interface XmlVisitor {
  /** An element begins; its local name. */
  open(name: string): void
  close(): void
  /** Whether the attribute with this local name, of the element that began, is to be given. */
  wants(name: string): boolean
  /**
   * An attribute's value as it is written, as latin1 text without its quotes, and where it begins. Only
   * a beginning, with its references resolved, where it is longer than LONGEST_VALUE.
   */
  value(raw: string, at: number): void
  /** Text of the element that is open, as latin1, with its references resolved; left out where it means nothing. */
  text?(text: string): void
}

export interface XmlReader {
  /** Reads on; the borders of pieces mean nothing. */
  push(bytes: Buffer): void
  /** The text is over: refuses what has only begun. */
  end(): void
}

/** How much of a value is given at most. */
export const LONGEST_VALUE = 64 * 1024

const MAX_DEPTH = 128
const MAX_ATTRIBUTES = 256
const LONGEST_NAME = 256
const LONGEST_PROLOG = 64 * 1024
// The parser keeps a value, a comment or the like as one string, which grows by a node at each of
// these characters: without a bound a body of one comment would take thirty times its size.
const NODES = /[\n\r\t&?\]-]/g
// U+FFFE and U+FFFF in UTF-8, which XML 1.0 leaves out.
const NONCHARACTER = /\xef\xbf[\xbe\xbf]/
const MAX_NODES = 256 * 1024

/** Makes a reader. Refuses with `body_invalid`. */
export function createXmlReader(visitor: XmlVisitor): XmlReader {
  const parser = new SaxesParser({
    xmlns: true,
    position: false,
    forceXMLVersion: true,
    defaultXMLVersion: '1.0',
  })
  const utf8 = createUtf8Check()
  /** The end of what was read, long enough for a value to be found in it, and its offset. */
  let window = ''
  let windowAt = 0
  let bytesRead = 0
  let lastBytes = ''
  let depth = 0
  let attributes = 0
  /** Since something last came to its end. */
  let nodes = 0
  let hasRoot = false

  parser.on('error', () => {
    throw refuse('not well-formed')
  })
  parser.on('xmldecl', ({ version, encoding = 'utf-8' }) => {
    if (version !== '1.0' || !/^(?:utf-8|us-ascii)$/i.test(encoding))
      throw refuse('not XML 1.0 in UTF-8')
  })
  parser.on('doctype', () => {
    throw refuse('a document type')
  })
  parser.on('opentagstart', ({ name }) => {
    if (name.length > LONGEST_NAME || ++depth > MAX_DEPTH)
      throw refuse('too deep, or a very long name')
    hasRoot = true
    attributes = 0
    nodes = 0
    visitor.open(localOf(name))
  })
  parser.on('attribute', ({ name, value }) => {
    nodes = 0
    if (name.length > LONGEST_NAME || ++attributes > MAX_ATTRIBUTES)
      throw refuse('too many attributes')
    if (visitor.wants(localOf(name))) giveValue(value)
  })
  parser.on('closetag', () => {
    nodes = 0
    depth--
    visitor.close()
  })
  for (const event of ['comment', 'cdata', 'processinginstruction'] as const) {
    parser.on(event, () => {
      nodes = 0
    })
  }
  if (visitor.text) {
    parser.on('text', text => visitor.text?.(text))
    parser.on('cdata', text => {
      nodes = 0
      visitor.text?.(text)
    })
  }

  return {
    push(bytes) {
      if (!utf8.push(bytes)) throw refuse('not UTF-8')
      const text = bytes.toString('latin1')
      if (NONCHARACTER.test(lastBytes + text)) throw refuse('not well-formed')
      lastBytes = (lastBytes + text).slice(-2)
      if (window.length > 4 * LONGEST_VALUE) window = window.slice(-LONGEST_VALUE - 2)
      window += text
      bytesRead += text.length
      windowAt = bytesRead - window.length
      parser.write(text)
      nodes += text.match(NODES)?.length ?? 0
      if (nodes > MAX_NODES) throw refuse('too much of it in one piece')
      if (!hasRoot && bytesRead > LONGEST_PROLOG) throw refuse('nothing but a prolog')
    },
    end() {
      if (!utf8.end()) throw refuse('not UTF-8')
      parser.close()
    },
  }

  // The parser stands behind the closing quote.
  function giveValue(value: string): void {
    const end = parser.position - windowAt - 1
    const start = window.lastIndexOf(window[end] as string, end - 1) + 1
    if (start > 0 && end - start < LONGEST_VALUE) {
      visitor.value(window.slice(start, end), windowAt + start)
    } else {
      visitor.value(value.slice(0, LONGEST_VALUE), 0)
    }
  }
}

function localOf(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

function refuse(detail: string): BrokerError {
  return new BrokerError('body_invalid', { detail: `XML: ${detail}` })
}
