// The judge of search forms: no method in disguise, FHIR's formats alone, and every value that is an
// address of ours. Pure: no I/O, no clock (attacks P10, P24, P30, P31).

import { createEdits } from './edits.ts'
import type { Judge, JudgeRules } from './judge.ts'
import { createQueryRestoring } from './restore-query.ts'
import { createSplitter } from './splitter.ts'
import { createParameterJudge } from './target.ts'

// The names that are judged are shorter, however they are written, and so are the values they may have.
const LONGEST_PAIR = 1024

/** Makes a judge; refuses with `query_invalid`, `format_refused` and `foreign_reference`. */
export function createFormJudge({ whose }: JudgeRules): Judge {
  const edits = createEdits()
  const judge = createParameterJudge()
  const pairs = createSplitter({ separator: /&/g, longest: LONGEST_PAIR, give: judge })
  const values = whose && createQueryRestoring(whose, edits)
  return {
    edits,
    push(bytes) {
      const text = bytes.toString('latin1')
      pairs.push(text)
      values?.push(text)
    },
    end() {
      pairs.end()
      values?.end()
    },
  }
}
