// What the schema finds wrong, in words for whoever writes the file. Pure: no I/O.

import type { z } from 'zod'

/** One issue of the schema in a few words: what is missing, or too small or large a number; else the schema's own. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  const { message } = issue
  if (issue.code === 'invalid_type' && message.endsWith('received undefined')) return 'is missing'
  if (issue.code === 'invalid_type' && message.endsWith('received NaN')) return 'must be a number'
  const isNumber = 'origin' in issue && (issue.origin === 'number' || issue.origin === 'int')
  if (issue.code === 'too_big' && isNumber) {
    return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
  }
  if (issue.code === 'too_small' && isNumber) {
    return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
  }
  return message
}
