// Runs the tests of rows of the catalogue: `npm run prove -- K5 O1`. Exit status 1 when one fails or is skipped,
// or when a row has none, 2 for words that are no rows.

import { globSync, readFileSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const rows = process.argv.slice(2)
if (rows.length === 0 || rows.some(row => !/^[A-Za-z0-9-]+$/.test(row))) {
  console.error(
    'usage: npm run prove -- ROW [ROW ...]; rows stand in docs/attacks.md and docs/conformance.md',
  )
  process.exit(2)
}

const named = `\\b(?:${rows.join('|')})\\b`
const files = globSync('test/**/*.test.ts').filter(file =>
  new RegExp(named).test(readFileSync(file, 'utf8')),
)
const title = /^\[([^\]]+)\]/
const outcomes = new Map(rows.map(row => [row, { passed: 0, others: 0 }]))

function note(name: string, hasPassed: boolean): void {
  for (const row of title.exec(name)?.[1]?.split(/,\s*/) ?? []) {
    const outcome = outcomes.get(row)
    if (outcome) outcome[hasPassed ? 'passed' : 'others']++
  }
}

const tests = run({
  ...{ files, concurrency: 2, timeout: 300_000 },
  testNamePatterns: [new RegExp(`\\[[^\\]]*${named}[^\\]]*\\]`)],
})
tests.on('test:pass', ({ name, skip }) => note(name, !skip))
tests.on('test:fail', ({ name }) => note(name, false))
tests.compose(spec).pipe(process.stdout)
tests.on('end', () => {
  for (const [row, { passed, others }] of outcomes) {
    console.log(`${row}: ${passed} passed, ${others} failed or skipped`)
    if (passed === 0 || others > 0) process.exitCode = 1
  }
})
