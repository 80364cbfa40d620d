// Whether a resource matches search parameters: tokens, references, dates and strings, with commas for
// "or" and repetition for "and" (FHIR R4, search). Pure.

import { parseDateRange, type Range } from './date-range.ts'
import { FhirProblem } from './problem.ts'
import { isObject, type Resource, valuesAt } from './resource.ts'
import { type SearchKind, type SearchParameter, searchParameters } from './search-parameters.ts'

export type Matcher = (resource: Resource) => boolean

/** What tells whether all parameters match; refuses with 400 those that a type is not searched by. */
export function createMatcher(type: string, query: URLSearchParams): Matcher {
  const matchers = [...query].map(([name, value]) => createOne(type, name, value))
  return resource => matchers.every(matches => matches(resource))
}

function createOne(type: string, name: string, value: string): Matcher {
  const [plain = '', modifier] = name.split(':')
  const { kind, paths } = findParameter(type, plain)
  const wanted = splitAlternatives(value)
  const valuesOf = (resource: Resource) => paths.flatMap(path => valuesAt(resource, path))
  if (modifier === 'missing') {
    return resource => (valuesOf(resource).length === 0) === (value === 'true')
  }
  const tests = wanted.map(one => createTest(kind, one, modifier))
  const matches: Matcher = resource =>
    valuesOf(resource).some(item => tests.some(matchesItem => matchesItem(item)))
  return modifier === 'not' ? resource => !matches(resource) : matches
}

/** The parameter of a type; refuses with 400 an unknown one. */
export function findParameter(type: string, name: string): SearchParameter {
  const parameter = searchParameters.get(type)?.get(name)
  if (parameter !== undefined) return parameter
  throw new FhirProblem(400, 'not-supported', `${type} cannot be searched by ${name}`)
}

function createTest(
  kind: SearchKind,
  wanted: string,
  modifier: string | undefined,
): (value: unknown) => boolean {
  if (kind === 'token') return value => matchesToken(value, wanted)
  if (kind === 'string') return value => matchesString(value, wanted, modifier)
  if (kind === 'date') return createDateTest(wanted)
  const reference = modifier === undefined ? wanted : `${modifier}/${wanted}`
  return value => matchesReference(value, reference)
}

function matchesToken(value: unknown, wanted: string): boolean {
  const [system, code] = wanted.includes('|') ? wanted.split('|') : [undefined, wanted]
  return codingsOf(value).some(
    coding =>
      (system === undefined || system === (coding.system ?? '')) &&
      (code === '' || code === coding.code),
  )
}

function codingsOf(value: unknown): { system?: unknown; code?: unknown }[] {
  if (!isObject(value)) return [{ code: String(value) }]
  if (Array.isArray(value.coding)) return value.coding.filter(isObject)
  return [{ system: value.system, code: value.code ?? value.value }]
}

function matchesReference(value: unknown, wanted: string): boolean {
  const reference = isObject(value) ? String(value.reference) : ''
  const [type, id] = reference.split('/').slice(-2)
  const [wantedType, wantedId] = wanted.includes('/') ? wanted.split('/').slice(-2) : [type, wanted]
  return id !== undefined && id === wantedId && type === wantedType
}

function matchesString(value: unknown, wanted: string, modifier: string | undefined): boolean {
  const text = String(value)
  if (modifier === 'exact') return text === wanted
  const [plain, part] = [text, wanted].map(fold) as [string, string]
  return modifier === 'contains' ? plain.includes(part) : plain.startsWith(part)
}

/** Without case and accents, as searches for names should be. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

function createDateTest(wanted: string): (value: unknown) => boolean {
  const [, prefix = 'eq', date = ''] = /^(eq|ne|gt|lt|ge|le|sa|eb)?(.*)$/.exec(wanted) ?? []
  const asked = parseDateRange(date)
  if (asked === undefined) throw new FhirProblem(400, 'invalid', 'a date is not written as one')
  return value => {
    const own = rangeOf(value)
    return own !== undefined && comparisons[prefix]?.(own, asked) === true
  }
}

const comparisons: Readonly<Record<string, (own: Range, asked: Range) => boolean>> = {
  eq: (own, asked) => own.start >= asked.start && own.end <= asked.end,
  ne: (own, asked) => own.start < asked.start || own.end > asked.end,
  gt: (own, asked) => own.end > asked.end,
  lt: (own, asked) => own.start < asked.start,
  ge: (own, asked) => own.end > asked.start,
  le: (own, asked) => own.start < asked.end,
  sa: (own, asked) => own.start >= asked.end,
  eb: (own, asked) => own.end <= asked.start,
}

/** The time that a date or a Period in a resource takes up. */
export function rangeOf(value: unknown): Range | undefined {
  if (!isObject(value)) return parseDateRange(String(value))
  const start = value.start === undefined ? undefined : parseDateRange(String(value.start))
  const end = value.end === undefined ? undefined : parseDateRange(String(value.end))
  if (start === undefined && end === undefined) return undefined
  return { start: start?.start ?? -Infinity, end: end?.end ?? Infinity }
}

function splitAlternatives(value: string): string[] {
  return value.split(/(?<!\\),/).map(one => one.replaceAll('\\,', ','))
}
