// How a file looks from outside: another look is another file, or another content.

import { stat } from 'node:fs/promises'
import { describeError } from '../../src/error-description.ts'

/** By path, how each file looked right before it was read. */
export type Looks = ReadonlyMap<string, string>

/** How a file looks now; of one that cannot be looked at the code of the fault. */
export async function lookAt(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size, mode } = await stat(path)
    return `${ino} ${mtimeMs} ${size} ${mode}`
  } catch (error) {
    return describeError(error).code ?? 'unknown'
  }
}
