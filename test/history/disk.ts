// A disk of a few megabytes that can be full: a tmpfs. To mount one takes root; without it there is none.

import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Disk {
  folder: string
  /** Leaves room for nothing. */
  fill(): void
  /** Leaves room again. */
  clear(): void
  close(): void
}

/** Makes a disk of so many MiB; undefined, and said loudly, where nobody may. */
export function makeDisk(mebibytes: number): Disk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-disk-'))
  const options = `size=${mebibytes}m,mode=700`
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  if (status !== 0) {
    rmdirSync(folder)
    console.error('\n*** a small disk cannot be mounted: its faults are left out ***\n')
    return undefined
  }
  const filler = join(folder, 'filler')
  // Whatever becomes of the run.
  process.once('exit', unmount)
  return {
    folder,
    fill,
    clear: () => rmSync(filler, { force: true }),
    close() {
      process.off('exit', unmount)
      unmount()
      rmdirSync(folder)
    },
  }

  function unmount(): void {
    spawnSync('umount', ['-l', folder])
  }

  function fill(): void {
    const file = openSync(filler, 'a')
    try {
      // To the last byte.
      for (const size of [1_048_576, 4_096, 64]) {
        const piece = Buffer.alloc(size)
        for (let written = size; written > 0; ) written = writeSome(file, piece)
      }
    } finally {
      closeSync(file)
    }
  }
}

function writeSome(file: number, piece: Uint8Array): number {
  try {
    return writeSync(file, piece)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return 0
    throw error
  }
}
