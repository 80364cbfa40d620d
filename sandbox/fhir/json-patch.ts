// JSON Patch (RFC 6902): add, remove, replace and test. Pure: the document given is left as it is.

import { isDeepStrictEqual } from 'node:util'
import { FhirProblem } from './problem.ts'
import { isObject } from './resource.ts'

type Container = Record<string, unknown> | unknown[]

/** The document after all operations; refuses with 422 one that cannot be done, 400 what is no patch. */
export function patchJson(document: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new FhirProblem(400, 'invalid', 'a patch is a list')
  const copy = structuredClone(document) as Container
  for (const operation of operations) apply(copy, operation)
  return copy
}

function apply(document: Container, operation: unknown): void {
  if (!isObject(operation) || typeof operation.path !== 'string' || operation.path[0] !== '/') {
    throw new FhirProblem(400, 'invalid', 'an operation has no path')
  }
  const { op, path, value } = operation
  const names = path.slice(1).split('/').map(unescapeName)
  const name = names.pop() ?? ''
  const parent = names.reduce<unknown>((item, step) => member(item, step), document)
  if (typeof parent !== 'object' || parent === null) throw unprocessable()
  const container = parent as Container
  if (op === 'add') {
    add(container, name, value)
    return
  }
  if (member(container, name) === undefined) throw unprocessable()
  if (op === 'replace') set(container, name, value)
  else if (op === 'remove') remove(container, name)
  else if (op !== 'test') throw new FhirProblem(400, 'not-supported', 'this operation is not known')
  else if (!isDeepStrictEqual(member(container, name), value)) throw unprocessable()
}

function add(container: Container, name: string, value: unknown): void {
  if (Array.isArray(container)) {
    const index = name === '-' ? container.length : Number(name)
    if (!Number.isInteger(index) || index < 0 || index > container.length) throw unprocessable()
    container.splice(index, 0, value)
  } else set(container, name, value)
}

function remove(container: Container, name: string): void {
  if (Array.isArray(container)) container.splice(Number(name), 1)
  else delete container[name]
}

function set(container: Container, name: string, value: unknown): void {
  Object.defineProperty(container, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

function member(container: unknown, name: string): unknown {
  if (typeof container !== 'object' || container === null) return undefined
  return Object.hasOwn(container, name) ? (container as Record<string, unknown>)[name] : undefined
}

function unescapeName(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~')
}

function unprocessable(): FhirProblem {
  return new FhirProblem(422, 'processing', 'the patch does not fit the resource')
}
