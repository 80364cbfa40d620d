// The path of a file that is written by us. Pure: no I/O.

import { z } from 'zod'
import { hasNoNul } from './text.ts'

/** An address of some store that is not known would otherwise become a file of that name. */
export const filePath = z
  .string()
  .min(1)
  .max(4096)
  .refine(hasNoNul, 'must have no NUL character')
  .refine(text => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text), 'must be the path of a file, and no URL')
