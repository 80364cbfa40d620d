// A free port kept from others of our kind until somebody listens at it: two demos that start within the
// same seconds would both find the same one free.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from './free-port.ts'

export interface PortClaim {
  port: number
  /** Gives the claim up: somebody listens at the port, or nobody will. May be called twice. */
  release(): void
}

/** The port, or the next one that is free, not in `taken`, and claimed by no other process that lives. */
export async function claimPort(from: number, taken: readonly number[] = []): Promise<PortClaim> {
  const others = [...taken]
  for (;;) {
    const port = await findFreePort(from, others)
    const file = join(tmpdir(), `fhirstorm-port-${port}`)
    if (isTaken(file)) {
      others.push(port)
      continue
    }
    let held = true
    const release = () => {
      if (held) rmSync(file, { force: true })
      held = false
    }
    // The one before may have begun to listen, and given its claim up, since we looked.
    if ((await findFreePort(port)) === port) return { port, release }
    release()
  }
}

function isTaken(file: string): boolean {
  if (write(file)) return false
  if (isOfLivingProcess(file)) return true
  try {
    rmSync(file, { force: true })
  } catch {
    // Another user's, whose demo was killed.
    return true
  }
  return !write(file)
}

function write(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid}`, { flag: 'wx', mode: 0o644 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isOfLivingProcess(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')) || process.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
