// Which tests could notice a change of a file: those that import it, however far away, the nearest first.

import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Starts the whole program in a process of its own. */
const STARTS_PROGRAM = 'test/world/broker.ts'
const PROGRAM = 'program/main.ts'

/** The test files that reach this file through imports, the nearest first, then the smallest. */
export function findTests(file: string): string[] {
  const name = `test/${file.replace(/^src\//, '').replace(/\.ts$/, '')}`
  const folder = `${dirname(name)}/`
  function rank(test: string): number {
    if (test.startsWith(`${name}.`) || test.startsWith(`${name}-`)) return 0
    if (importsOf(test).includes(file)) return 0
    return test.startsWith(folder) ? 1 : 2
  }
  // A small test answers soon, and one of the file's own name probably.
  const sizeOf = (test: string) => closureOf(test).size / (test === `${name}.test.ts` ? 2 : 1)
  return globSync('test/**/*.test.ts')
    .filter(test => !NOT_ASKED.test(test) && closureOf(test).has(file))
    .sort((a, b) => rank(a) - rank(b) || sizeOf(a) - sizeOf(b))
}

/** They read sources, or count them: a mutant is no news to them. */
const NOT_ASKED =
  /(architecture|repository|docs|package|bench|image|bounds|linear|mutate|regular-expressions)\b.*\.test\.ts$/

const closures = new Map<string, Set<string>>()
const imported = new Map<string, string[]>()

function closureOf(test: string): Set<string> {
  let closure = closures.get(test)
  if (!closure) {
    closure = new Set()
    const ahead = [test]
    for (let file = ahead.pop(); file !== undefined; file = ahead.pop()) {
      if (closure.has(file)) continue
      closure.add(file)
      ahead.push(...importsOf(file))
    }
    closures.set(test, closure)
  }
  return closure
}

function importsOf(file: string): string[] {
  let found = imported.get(file)
  if (!found) {
    const source = readFileSync(file, 'utf8')
    const pattern = /(?:\bfrom\s+|\bimport\s*\(?\s*)['"](\.[^'"]+\.ts)['"]/g
    found = [...source.matchAll(pattern)]
      .map(([, path = '']) => join(dirname(file), path))
      .filter(existsSync)
    if (file === STARTS_PROGRAM) found.push(PROGRAM)
    imported.set(file, found)
  }
  return found
}
