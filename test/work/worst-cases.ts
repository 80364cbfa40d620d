// Texts on which a regular expression may work hardest: something it likes, repeated, behind a
// beginning that gets it there and before an end that it does not like. Words and characters come
// from the expression itself, and the choice of them from a fixed sequence.

import { type AST, visitRegExpAST } from '@eslint-community/regexpp'
import { createStepCounter, parseExpression } from './backtracking.ts'

/** A text of about the given length. */
type Attack = (length: number) => string

const ATTACKS_PER_PART = 12
// More than any linear expression of a readable length takes for a text of a hundred characters.
const MOST_STEPS = 100_000
// A repetition with a bound costs a constant at each place, which is reached within the second pair.
const SIZES = [
  [32, 256],
  [80, 640],
] as const

/**
 * A text on which eight times the length takes more than sixteen times the steps, printed for a
 * reader; undefined when none was found.
 */
export function findSuperlinear(expression: RegExp): string | undefined {
  const pattern = parseExpression(expression)
  const count = createStepCounter(pattern, expression.flags)
  const grows = (attack: Attack, [small, large]: readonly [number, number]) => {
    const few = count(attack(small), MOST_STEPS)
    return few > MOST_STEPS || count(attack(large), 16 * few) > 16 * few
  }
  for (const attack of listAttacks(pattern)) {
    if (SIZES.every(sizes => grows(attack, sizes))) return JSON.stringify(attack(64))
  }
  return undefined
}

function listAttacks(pattern: AST.Pattern): Attack[] {
  const random = createRandom()
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
  const characters = listCharacters(pattern)
  const parts = listParts(pattern)
  const print = (part: readonly AST.Node[]) => sample(part, pick, characters)
  const word = () => print(pick(parts))
  const scrap = () => (random(2) === 0 ? pick(characters) : word())
  return parts.flatMap(part =>
    Array.from({ length: ATTACKS_PER_PART }, (_, i) => {
      const start = pick([() => '', word, () => print([pattern])])()
      const pump = [() => print(part), scrap, () => scrap() + scrap()][i % 3]?.() || ' '
      const end = pick([() => '', () => '\n', () => '\x00', scrap, () => `\n${scrap()}`])()
      return length => start + pump.repeat(Math.ceil(length / pump.length)) + end
    }),
  )
}

// Every run of neighbours anywhere in the expression; letters that stand together count as one.
function listParts(pattern: AST.Pattern): AST.Node[][] {
  const parts: AST.Node[][] = [[pattern]]
  visitRegExpAST(pattern, {
    onAlternativeEnter({ elements }) {
      const isInWord = (i: number) =>
        elements[i - 1]?.type === 'Character' && elements[i]?.type === 'Character'
      for (let from = 0; from < elements.length; from++) {
        for (let to = from + 1; to <= elements.length; to++) {
          if (!isInWord(from) && !isInWord(to)) parts.push(elements.slice(from, to))
        }
      }
    },
  })
  return parts
}

function listCharacters(pattern: AST.Pattern): string[] {
  const characters = new Set([' ', 'a', '0', '"', '<', '\n'])
  visitRegExpAST(pattern, {
    onCharacterEnter({ value }) {
      characters.add(String.fromCodePoint(value))
    },
  })
  return [...characters]
}

/** A text that some nodes accept one after the other, as far as that can be told without trying. */
function sample(
  nodes: readonly AST.Node[],
  pick: <T>(list: readonly T[]) => T,
  characters: readonly string[],
): string {
  return nodes.map(sampleOne).join('')

  function sampleOne(node: AST.Node): string {
    switch (node.type) {
      case 'Pattern':
      case 'Group':
      case 'CapturingGroup':
        return sampleOne(pick(node.alternatives))
      case 'Alternative':
        return node.elements.map(sampleOne).join('')
      case 'Quantifier': {
        const times = pick([node.min, node.min + 1, node.min + 2])
        return Array.from({ length: Math.min(times, node.max, 64) }, () =>
          sampleOne(node.element),
        ).join('')
      }
      case 'Assertion':
        return 'alternatives' in node && !node.negate ? sampleOne(pick(node.alternatives)) : ''
      case 'Character':
        return String.fromCodePoint(node.value)
      case 'CharacterSet':
      case 'CharacterClass':
        return pick(characters.filter(character => accepts(node, character))) ?? ''
      default:
        return ''
    }
  }
}

function accepts({ raw }: AST.Node, character: string): boolean {
  return new RegExp(`^${raw}$`, 's').test(character)
}

// A linear congruential generator (Numerical Recipes), so that every run tries the same.
function createRandom(): (below: number) => number {
  let state = 1
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
