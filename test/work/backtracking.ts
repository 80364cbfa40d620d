// How many steps a backtracking engine like V8's takes for a regular expression and a text: the
// expression is walked as written, look-behinds and back references included, without any of the
// short cuts that an engine may know. Nothing here depends on a clock.

import { type AST, RegExpParser } from '@eslint-community/regexpp'

/** Counts the steps of one expression on a text; stops at `limit`. */
export type StepCounter = (text: string, limit: number) => number

type Next = (at: number) => boolean
/** Whether a text is read towards its beginning, and whether case counts. */
interface Mode {
  backward: boolean
  ignoreCase: boolean
}

class OutOfSteps extends Error {}

/** Parses an expression once, to be tried on many texts. */
export function parseExpression({ source, flags }: RegExp): AST.Pattern {
  const unicode = flags.includes('u')
  const unicodeSets = flags.includes('v')
  return new RegExpParser().parsePattern(source, 0, source.length, { unicode, unicodeSets })
}

/** Makes the counter of an expression; a global one is counted until the end of the text. */
export function createStepCounter(pattern: AST.Pattern, flags: string): StepCounter {
  const single = new Map<string, RegExp>()
  const captures = new Map<AST.CapturingGroup, [from: number, to: number]>()
  let text = ''
  let steps = 0
  let limit = 0

  return (given, most) => {
    text = given
    steps = 0
    limit = most
    captures.clear()
    try {
      scan()
    } catch (error) {
      if (!(error instanceof OutOfSteps)) throw error
    }
    return steps
  }

  function scan(): void {
    const mode = { backward: false, ignoreCase: flags.includes('i') }
    for (let from = 0; from <= text.length; ) {
      let end = -1
      const isFound = alternatives(pattern, from, mode, to => {
        end = to
        return true
      })
      if (flags.includes('y') || (isFound && !flags.includes('g'))) return
      from = Math.max(end, from + 1)
    }
  }

  function alternatives(
    { alternatives }: { alternatives: readonly AST.Alternative[] },
    at: number,
    mode: Mode,
    next: Next,
  ): boolean {
    for (const { elements } of alternatives) {
      if (sequence(elements, 0, at, mode, next)) return true
    }
    return false
  }

  function sequence(
    elements: readonly AST.Element[],
    index: number,
    at: number,
    mode: Mode,
    next: Next,
  ): boolean {
    const element = mode.backward ? elements[elements.length - 1 - index] : elements[index]
    if (element === undefined) return next(at)
    return match(element, at, mode, to => sequence(elements, index + 1, to, mode, next))
  }

  function match(element: AST.Element, at: number, mode: Mode, next: Next): boolean {
    if (++steps > limit) throw new OutOfSteps()
    switch (element.type) {
      case 'Group': {
        const { add, remove } = element.modifiers ?? {}
        const ignoreCase = (mode.ignoreCase || add?.ignoreCase) && !remove?.ignoreCase
        return alternatives(element, at, { ...mode, ignoreCase: ignoreCase ?? false }, next)
      }
      case 'CapturingGroup':
        return capture(element, at, mode, next)
      case 'Quantifier':
        return repeat(element, 0, at, mode, next)
      case 'Assertion':
        return holds(element, at, mode) && next(at)
      case 'Backreference':
        return matchAgain(element, at, mode, next)
      default:
        return matchOne(element, at, mode, next)
    }
  }

  function capture(group: AST.CapturingGroup, at: number, mode: Mode, next: Next): boolean {
    return alternatives(group, at, mode, to => {
      const before = captures.get(group)
      captures.set(group, [Math.min(at, to), Math.max(at, to)])
      if (next(to)) return true
      if (before) captures.set(group, before)
      else captures.delete(group)
      return false
    })
  }

  function repeat(
    quantifier: AST.Quantifier,
    count: number,
    at: number,
    mode: Mode,
    next: Next,
  ): boolean {
    const { min, max, greedy, element } = quantifier
    const more = () =>
      count < max &&
      match(element, at, mode, to =>
        to === at && count >= min ? false : repeat(quantifier, count + 1, to, mode, next),
      )
    const enough = () => count >= min && next(at)
    return greedy ? more() || enough() : enough() || more()
  }

  function holds(assertion: AST.Assertion, at: number, mode: Mode): boolean {
    switch (assertion.kind) {
      case 'start':
        return at === 0 || (flags.includes('m') && text[at - 1] === '\n')
      case 'end':
        return at === text.length || (flags.includes('m') && text[at] === '\n')
      case 'word':
        return (isWord(text[at - 1]) !== isWord(text[at])) !== assertion.negate
      default: {
        const backward = assertion.kind === 'lookbehind'
        const found = alternatives(assertion, at, { ...mode, backward }, () => true)
        return found !== assertion.negate
      }
    }
  }

  function matchAgain(
    { resolved }: AST.Backreference,
    at: number,
    { backward }: Mode,
    next: Next,
  ): boolean {
    const [from, to] = captures.get([resolved].flat()[0] as AST.CapturingGroup) ?? [0, 0]
    const start = backward ? at - (to - from) : at
    if (text.slice(from, to) !== text.slice(start, start + to - from)) return false
    return next(backward ? start : start + to - from)
  }

  function matchOne({ raw }: AST.Element, at: number, mode: Mode, next: Next): boolean {
    const character = text[mode.backward ? at - 1 : at]
    if (character === undefined) return false
    const key = mode.ignoreCase ? `i${raw}` : raw
    let one = single.get(key)
    if (one === undefined) {
      one = new RegExp(`^${raw}$`, flags.replace(/[gimy]/g, '') + (mode.ignoreCase ? 'i' : ''))
      single.set(key, one)
    }
    return one.test(character) && next(mode.backward ? at - 1 : at + 1)
  }
}

function isWord(character = ''): boolean {
  return /\w/.test(character)
}
