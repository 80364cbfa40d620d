// `fhirstorm audit verify PATH`: follows the chain of an audit file and of those put aside beside it.
// Status 0: whole; 1: a line was removed, changed or reordered, or nothing is there; 2: wrong usage.

import { verifyFiles } from '../../src/audit/file-sink.ts'
import { readCommandLine, refuse } from './command-line.ts'
import { complain, print } from './terminal.ts'

const grammar = {
  name: 'fhirstorm audit',
  words: 2,
  options: {},
  usage: `usage: fhirstorm audit verify PATH

  verify PATH  whether the lines of PATH, of the files put aside beside it (PATH.NUMBER) and of the
               noted end (PATH.head) are one chain: a line removed, changed or reordered is named
`,
} as const

const REASONS = {
  unreadable: 'is no audit line',
  changed: 'was changed',
  out_of_order: 'does not follow the line before it',
  cut_off: 'and what came after it are missing',
} as const

/** Verifies an audit file and tells the first line that breaks its chain; gives the exit status. */
export async function audit(args: string[]): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const [action, path] = line.words
  if (action !== 'verify') return refuse(grammar, 'verify is what it can do')
  if (path === undefined) return refuse(grammar, 'verify needs a PATH')
  const found = await verifyFiles(path)
  if ('reason' in found) {
    complain(`fhirstorm: line ${found.line} ${REASONS[found.reason]}\n`)
    return 1
  }
  if (found.count === 0) {
    complain('fhirstorm: there are no audit lines\n')
    return 1
  }
  print(`${found.count} lines, whole; the last is ${found.hash}\n`)
  return 0
}
