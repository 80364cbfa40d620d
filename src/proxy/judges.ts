// Which judge a request body gets, by its grammar; and the same for a JSON text that stands in a header.
// Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { Judge, JudgeRules } from './judge.ts'
import { createFormJudge } from './judge-form.ts'
import { createJsonJudge } from './judge-json.ts'
import { createXmlJudge } from './judge-xml.ts'
import type { MediaType } from './media-type.ts'
import type { Restoration } from './own-address.ts'
import type { Grammar } from './written.ts'

const LINES = /ndjson$/
const PATCH = /patch\+xml$/

/** Makes the judge of a body of this type. */
export function createJudge(
  grammar: Grammar,
  type: Pick<MediaType, 'name'>,
  rules: JudgeRules,
): Judge {
  if (grammar === 'query') return createFormJudge(rules)
  if (grammar === 'xml') return createXmlJudge(rules, { patch: PATCH.test(type.name) })
  return createJsonJudge(rules, { lines: LINES.test(type.name) })
}

/**
 * A JSON text as the EHR is to get it; latin1 text. Refuses with `header_invalid` what is no JSON, and
 * with `foreign_reference` an address of another session.
 */
export function restoreJson(text: string, whose: Restoration): string {
  const judge = createJsonJudge({ whose, entriesBelow: undefined }, { lines: false })
  try {
    judge.push(Buffer.from(text, 'latin1'))
    judge.end()
  } catch (error) {
    const isMalformed = error instanceof BrokerError && error.code === 'body_invalid'
    throw isMalformed ? new BrokerError('header_invalid', { detail: error.detail }) : error
  }
  return judge.edits.applyTo(text)
}
