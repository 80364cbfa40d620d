// What the schema finds wrong, in words for whoever writes the file. Pure: no I/O.

import type { z } from 'zod'

/** How the library's own messages begin; whatever else is said is the schema's own. */
const OF_THE_LIBRARY = /^(?:Invalid|Too|Unrecognized)\b/
const UNKNOWN = 'unrecognized_keys'

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings by name, as in { name: value }',
}

/** An issue of a setting that may be one of several kinds: what is wrong with it as the kind it was meant to be. */
export function expandUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || !OF_THE_LIBRARY.test(issue.message)) return [issue]
  const [meant] = issue.errors
    .filter(issues => issues.every(({ path, code }) => path.length > 0 || code === UNKNOWN))
    .toSorted((one, other) => one.length - other.length)
  if (meant) return meant.map(one => ({ ...one, path: [...issue.path, ...one.path] }))
  const kinds = new Set(issue.errors.flat().map(one => describeIssue(one).replace('must be ', '')))
  return kinds.size > 0 ? [{ ...issue, message: `must be ${[...kinds].join(' or ')}` }] : [issue]
}

/** One issue of the schema in a few words: what is missing, of another kind, or too small or large; else the schema's own. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  const { message } = issue
  if (issue.code === 'invalid_type' && message.endsWith('received undefined')) return 'is missing'
  const isNumber = 'origin' in issue && (issue.origin === 'number' || issue.origin === 'int')
  if (issue.code === 'too_big' && isNumber) {
    return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
  }
  if (issue.code === 'too_small' && isNumber) {
    return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
  }
  if (!OF_THE_LIBRARY.test(message)) return message
  if (issue.code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value') return `must be ${listChoices(issue.values)}`
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options)) {
    return `must be ${listChoices(issue.options)}`
  }
  if (issue.code === 'too_small') {
    return Number(issue.minimum) === 1
      ? 'must not be empty'
      : `must have at least ${issue.minimum} ${nameParts(issue.origin)}`
  }
  if (issue.code === 'too_big') {
    return `must have at most ${issue.maximum} ${nameParts(issue.origin)}`
  }
  return issue.code === 'invalid_format' && issue.format === 'url' ? 'must be a URL' : message
}

function listChoices(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`
}

function nameParts(origin: string): string {
  return origin === 'string' ? 'characters' : 'entries'
}
