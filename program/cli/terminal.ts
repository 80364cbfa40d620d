// What commands write for whoever started them. Both streams may be a full disk or a pipe that nobody
// reads: an answer that cannot be written is a failure with a code, a complaint is dropped.

import { writeSync } from 'node:fs'

/** Writes a command's answer to standard output; throws the system's error where it cannot. */
export function print(text: string): void {
  writeWhole(1, text)
}

/** Writes to standard error, as far as it takes it. */
export function complain(text: string): void {
  try {
    writeWhole(2, text)
  } catch {
    // There is nobody left to tell.
  }
}

function writeWhole(descriptor: number, text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      // The other end of a pipe may have been set to refuse instead of wait, by another program.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
