// Tests start hundreds of processes from the sources, and each would strip and compile the same files
// anew: what one has compiled is kept for the next.

import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

// Of what was kept V8 does not count every block: tests that count them do without.
const COUNTS = /from '[./]+\/work(?:\/steps)?\.ts'/
const [, file = ''] = process.argv
const folder = process.env.TEST_COMPILE_CACHE

if (folder && file.endsWith('.test.ts') && !COUNTS.test(readFileSync(file, 'utf8'))) {
  enableCompileCache(folder)
  // For the processes that a test starts.
  process.env.NODE_COMPILE_CACHE = folder
}
