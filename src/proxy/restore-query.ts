// Our address in queries and search forms: every value, and every part of one that FHIR search takes
// for a value of its own (behind `,`, `|` and `$`), is restored or refused. Pure: no I/O, no clock.
// FHIR R4 section 3.1.1.5.

import { decodeFormText } from '../form.ts'
import { createEdits, type Edits } from './edits.ts'
import { measureOwnAddress, type Restoration } from './own-address.ts'
import { createSplitter, type Splitter } from './splitter.ts'
import { measureWritten } from './written.ts'

const SEPARATOR = /[&=,|$]|%2[4Cc]|%7[Cc]/g
const NEEDS_ESCAPES = /[^A-Za-z0-9\-._~:/@!'()*;]/
// What no part of begins like an address, however it is escaped.
const MAY_HOLD_ADDRESS = /(?:^|[&=,|$])[+h/\\]|[%\x80-\xff]/i
const LONGEST_PART = 64 * 1024

/**
 * Reads a query that comes in pieces, as latin1 text, and notes where our address becomes the EHR's.
 * Refuses with `foreign_reference` an address of another session.
 */
export function createQueryRestoring(whose: Restoration, edits: Edits): Splitter {
  return createSplitter({
    separator: SEPARATOR,
    longest: LONGEST_PART,
    give(part, at, isCut) {
      const length = measureOwnAddress(decodeFormText(part), whose, isCut)
      if (length === 0) return
      const end = measureWritten('query', part, length)
      const isEscaped = part.slice(0, end).includes('%') || NEEDS_ESCAPES.test(whose.base)
      edits.replace(at, at + end, isEscaped ? encodeURIComponent(whose.base) : whose.base)
    },
  })
}

/** The same for a whole query: as the EHR is to get it. */
export function restoreQuery(query: string, whose: Restoration): string {
  if (!MAY_HOLD_ADDRESS.test(query)) return query
  const edits = createEdits()
  const restoring = createQueryRestoring(whose, edits)
  restoring.push(query)
  restoring.end()
  return edits.applyTo(query)
}
