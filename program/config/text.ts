// A setting that is a text. Pure: no I/O.

import { z } from 'zod'

/** Of at least one character and at most so many, without NUL: no path, name or header may have one. */
export const text = (max: number) =>
  z.string().min(1).max(max).refine(hasNoNul, 'must have no NUL character')

/** Whether there is none. */
export function hasNoNul(value: string): boolean {
  return !value.includes('\0')
}
