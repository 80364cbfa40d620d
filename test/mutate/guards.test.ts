// The harness of mutants itself: which places it takes for guards, and that taking one away changes what
// the code does.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import { findTests } from './asked-tests.ts'
import { findGuards, nameOf, removeGuard } from './guards.ts'

const source = `
export function parse(text: string, limit: number): number | undefined {
  if (text === '') return undefined
  if (text.length > limit || !/^\\d+$/.test(text)) {
    throw new Error('no number')
  }
  if (text === '0') return 0
  return Number(text)
}
`

function load(text: string): (text: string, limit: number) => number | undefined {
  const plain = stripTypeScriptTypes(text).replace('export function parse', 'return function parse')
  return new Function(plain)()
}

test('a guard is a condition that ends in a refusal, and each part of it that is joined by or', () => {
  const guards = findGuards('parse.ts', source).map(({ line, guard }) => [line, guard])
  assert.deepEqual(guards, [
    [3, `text === ''`],
    [4, `text.length > limit || !/^\\d+$/.test(text)`],
    [4, `text.length > limit`],
    [4, `!/^\\d+$/.test(text)`],
  ])
})

test('a guard that is taken away lets pass what it refused, and the others stay', () => {
  const [empty, , long, digits] = findGuards('parse.ts', source)
  assert.ok(empty && long && digits)
  assert.equal(load(source)('', 3), undefined)
  assert.throws(() => load(removeGuard(source, empty))('', 3), /no number/)
  assert.throws(() => load(source)('1234', 3), /no number/)
  assert.equal(load(removeGuard(source, long))('1234', 3), 1234)
  assert.throws(() => load(removeGuard(source, long))('x', 3), /no number/)
  assert.ok(Number.isNaN(load(removeGuard(source, digits))('x', 3)))
})

test('a file is asked about by the test of its own name first, and by tests that start the program', () => {
  const tests = findTests('src/browser/guard.ts')
  assert.equal(tests[0], 'test/browser/guard.test.ts')
  assert.ok(tests.includes('test/faults/processes.test.ts'), 'a test of whole processes')
})

test('every guard that is explained is one that is there', () => {
  const explained = readFileSync('docs/mutants.md', 'utf8').match(/^- `.+/gm) ?? []
  assert.ok(explained.length > 0)
  for (const line of explained) {
    const [, file = ''] = /^- `([^`]+)`/.exec(line) ?? []
    const names = findGuards(file, readFileSync(file, 'utf8')).map(nameOf)
    assert.ok(
      names.some(name => line.startsWith(`- ${name}`)),
      line,
    )
  }
})
