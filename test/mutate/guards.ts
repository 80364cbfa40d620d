// The guards of a source: every place where a condition ends in a refusal, and each part of such a
// condition, with the text that takes it away.

import { stripTypeScriptTypes } from 'node:module'
import { type Expression, type Node, parse, type Statement } from 'acorn'

export interface Mutant {
  file: string
  line: number
  /** The condition, or its part, that is taken away. */
  guard: string
  /** Where it stands in the source. */
  start: number
  end: number
  /** What stands there instead. */
  instead: string
}

/** All guards of a TypeScript source, each as one mutant; conditions joined by `||` give one more for each part. */
export function findGuards(file: string, source: string): Mutant[] {
  // Types become blanks: every offset stays what it was.
  const plain = stripTypeScriptTypes(source, { mode: 'strip' })
  const tree = parse(plain, { ecmaVersion: 'latest', sourceType: 'module' })
  const mutants: Mutant[] = []
  walk(tree, node => {
    if (node.type !== 'IfStatement' || !refuses(node.consequent)) return
    const parts = operandsOf(node.test, '||')
    for (const part of parts.length > 1 ? [node.test, ...parts] : parts) {
      mutants.push(mutate(part, 'false'))
    }
  })
  return mutants

  function mutate({ start, end }: Node, instead: string): Mutant {
    const line = source.slice(0, start).split('\n').length
    const guard = source.slice(start, end).replace(/\s+/g, ' ')
    return {
      file,
      line,
      guard,
      start,
      end,
      instead: `(${instead} && (${source.slice(start, end)}))`,
    }
  }
}

/** As docs/mutants.md names it; stays the same when lines above it come and go. */
export function nameOf({ file, guard }: Mutant): string {
  return `\`${file}\`: \`${guard.slice(0, 100)}\``
}

/** The source with this guard taken away. */
export function removeGuard(source: string, { start, end, instead }: Mutant): string {
  return source.slice(0, start) + instead + source.slice(end)
}

const NOTHING = new Set(['undefined', 'false', 'null', '-1', '[]'])
const REFUSING = /^(refuse|fail|reject|deny|destroy|drop|close|end|abort)/i

/** Whether a branch does nothing but to refuse: it throws, gives nothing, or calls what refuses. */
function refuses(branch: Statement): boolean {
  if (branch.type === 'BlockStatement') {
    const last = branch.body.at(-1)
    return branch.body.length <= 3 && last !== undefined && refuses(last)
  }
  if (branch.type === 'ThrowStatement') return true
  if (branch.type === 'ExpressionStatement') return callsRefusal(branch.expression)
  if (branch.type !== 'ReturnStatement') return false
  const { argument } = branch
  return !argument || isNothing(argument) || callsRefusal(argument)
}

function isNothing(value: Expression): boolean {
  if (value.type === 'Identifier') return NOTHING.has(value.name)
  if (value.type === 'Literal') return NOTHING.has(String(value.raw))
  if (value.type === 'ArrayExpression') return value.elements.length === 0
  return value.type === 'UnaryExpression' && value.operator === '-'
}

function callsRefusal(value: Expression): boolean {
  if (value.type === 'AwaitExpression') return callsRefusal(value.argument)
  if (value.type === 'UnaryExpression') return callsRefusal(value.argument)
  if (value.type !== 'CallExpression') return false
  const { callee } = value
  if (callee.type === 'Identifier') return REFUSING.test(callee.name)
  if (callee.type !== 'MemberExpression') return false
  return callee.property.type === 'Identifier' && REFUSING.test(callee.property.name)
}

function operandsOf(test: Expression, operator: string): Expression[] {
  if (test.type !== 'LogicalExpression' || test.operator !== operator) return [test]
  return [...operandsOf(test.left, operator), ...operandsOf(test.right, operator)]
}

type Visit = (node: Statement | Node) => void

function walk(node: unknown, visit: (node: Statement) => void): void {
  if (Array.isArray(node)) {
    for (const one of node) walk(one, visit)
  } else if (typeof node === 'object' && node !== null && 'type' in node) {
    ;(visit as Visit)(node as Node)
    for (const value of Object.values(node)) walk(value, visit)
  }
}
