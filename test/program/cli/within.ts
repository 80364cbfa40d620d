// Commands run within the process of their test, which starts none: their status, and what they print where
// a program would write it.

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

export interface Told {
  status: number | undefined
  out: string
  error: string
}

/** Runs a command to its end; one at a time. */
export async function runWithin(
  command: (args: string[]) => Promise<number | undefined>,
  ...args: string[]
): Promise<Told> {
  const written = ['', '', '']
  const { writeSync } = fs
  fs.writeSync = ((descriptor: number, bytes: Uint8Array, ...where: []) => {
    if (descriptor !== 1 && descriptor !== 2) return writeSync(descriptor, bytes, ...where)
    written[descriptor] += Buffer.from(bytes).toString()
    return bytes.length
  }) as typeof writeSync
  syncBuiltinESMExports()
  try {
    const status = await command(args)
    return { status, out: written[1] ?? '', error: written[2] ?? '' }
  } finally {
    fs.writeSync = writeSync
    syncBuiltinESMExports()
  }
}

/** The same in a folder, as an operator stands in it. */
export async function runIn(
  folder: string,
  command: (args: string[]) => Promise<number | undefined>,
  ...args: string[]
): Promise<Told> {
  const before = process.cwd()
  process.chdir(folder)
  try {
    return await runWithin(command, ...args)
  } finally {
    process.chdir(before)
  }
}
