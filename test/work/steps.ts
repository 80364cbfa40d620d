// How much work a piece of synchronous code does, in steps instead of seconds: every block of this
// project's sources that runs (counted by V8's own coverage), and every character that a search of a
// string or a regular expression passes over. Two sizes of an input then tell how the work grows, on
// a machine of any speed. What happens inside one regular expression is not seen here: those are
// judged each by itself in `regular-expressions.test.ts`.

import assert from 'node:assert/strict'
import { Session } from 'node:inspector'
import { getCompileCacheDir } from 'node:module'

interface Coverage {
  result: { url: string; functions: { ranges: { count: number }[] }[] }[]
}

const OWN_SOURCES = /\/(?:src|plugins|program|client)\//

// From the beginning: what V8 compiled before, it counts by the call and not by the block.
assert.equal(getCompileCacheDir(), undefined, 'what is counted is compiled anew')
const session = new Session()
session.connect()
post('Profiler.enable')
post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

/** Runs the code and returns its steps. */
export function countSteps(run: () => void): number {
  post('Profiler.takePreciseCoverage')
  const searched = countSearched(run)
  const { result } = post('Profiler.takePreciseCoverage') as Coverage
  const own = result.filter(({ url }) => OWN_SOURCES.test(url))
  const ranges = own.flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
  return searched + ranges.reduce((sum, { count }) => sum + count, 0)
}

/**
 * Fails when eight times the input takes more than twenty times the steps; quadratic work would take 64.
 * Not ten: calls that V8 has inlined meanwhile are not counted.
 */
export function assertLinear(run: (size: number) => void, size: number, input: string): void {
  const few = countSteps(() => run(size))
  const many = countSteps(() => run(8 * size))
  assert.ok(many <= 20 * few, `${input}: ${few} steps became ${many}`)
}

function post(method: string, parameters: object = {}): object {
  let answer: object | undefined
  session.post(method, parameters, (error: Error | null, result?: object) => {
    if (error) throw error
    answer = result
  })
  assert.ok(answer, 'the inspector of this thread answers at once')
  return answer
}

/** Runs the code and returns how many characters its searches passed over. */
function countSearched(run: () => void): number {
  const { indexOf, includes, lastIndexOf, split, replaceAll } = String.prototype
  const { exec } = RegExp.prototype
  let searched = 0
  const count = (text: string, from: number, to: number) => {
    searched += Math.max(1, (to === -1 ? text.length : to) - from)
  }
  Object.assign(String.prototype, {
    indexOf(this: string, what: string, from = 0) {
      const found = indexOf.call(this, what, from)
      count(this, from, found)
      return found
    },
    includes(this: string, what: string, from = 0) {
      return this.indexOf(what, from) !== -1
    },
    lastIndexOf(this: string, what: string, from = this.length) {
      const found = lastIndexOf.call(this, what, from)
      count(this, Math.max(0, found), from)
      return found
    },
    split(this: string, ...rules: Parameters<typeof split>) {
      count(this, 0, -1)
      return split.apply(this, rules)
    },
    replaceAll(this: string, ...rules: Parameters<typeof replaceAll>) {
      count(this, 0, -1)
      return replaceAll.apply(this, rules)
    },
  })
  RegExp.prototype.exec = function (text) {
    const from = this.global || this.sticky ? this.lastIndex : 0
    const found = exec.call(this, text)
    count(text, from, found ? found.index + found[0].length : this.sticky ? from : -1)
    return found
  }
  try {
    run()
    return searched
  } finally {
    Object.assign(String.prototype, { indexOf, includes, lastIndexOf, split, replaceAll })
    RegExp.prototype.exec = exec
  }
}
