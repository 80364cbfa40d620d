// What the suite found, for people and for programs.

import type { Finding } from './row.ts'

const MOST_SHOWN = 4
const MARKS = { held: 'held', failed: 'FAILED', 'not asked': '-' }

/** One line for a terminal. */
export function printFinding({ row, what, outcome, seen }: Finding): string {
  const first = `${row.padEnd(5)} ${MARKS[outcome].padEnd(7)} ${what}`
  if (outcome === 'held') return `${first} (${seen[0]})`
  if (outcome === 'not asked') return `${first} (${seen[0]})`
  return [first, ...seen.slice(0, MOST_SHOWN).map(text => `        ${clean(text)}`)].join('\n')
}

/** How many of each, in one line. */
export function printSum(findings: readonly Finding[]): string {
  const count = (outcome: Finding['outcome']) =>
    findings.filter(each => each.outcome === outcome).length
  return `${count('held')} rows held, ${count('failed')} failed, ${count('not asked')} not asked`
}

/** What a hostile answer may hold is nothing for a terminal. */
function clean(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '·').slice(0, 200)
}
