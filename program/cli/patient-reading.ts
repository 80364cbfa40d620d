// Reading a file that may be a pipe. Node's own reading of a pipe to which nobody writes never ends, and no end of
// the process is waited for by the thread that does it: a reload would outlive SIGTERM.

import { constants, type FileHandle, open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { describeError } from '../../src/error-description.ts'
import { FileRefusal } from '../config/files.ts'

/** While nobody has it open for writing, and while somebody has. */
const NOBODY_MS = 10_000
const SILENCE_MS = 60_000
const POLL_MS = 20
const PIECE_BYTES = 64 * 1024
const MAX_BYTES = 16 * 1024 * 1024

/** The file, open for reading; of a pipe that nobody writes to, too. */
export async function openPatiently(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
}

/**
 * All of an open file, as UTF-8. Throws FileRefusal for a pipe to which nobody writes within ten seconds, whose
 * writer is not done within a minute, or which gives more than 16 MiB.
 */
export async function readPatiently(file: FileHandle): Promise<string> {
  if (!(await file.stat()).isFIFO()) return await file.readFile('utf8')
  const pieces: Buffer[] = []
  let length = 0
  const begun = performance.now()
  for (;;) {
    const piece = await readPiece(file)
    const isOver = piece?.length === 0
    if (isOver && length > 0) return Buffer.concat(pieces).toString('utf8')
    const waited = performance.now() - begun
    if (isOver && waited > NOBODY_MS) throw new FileRefusal('nobody writes to the pipe')
    if (waited > SILENCE_MS) throw new FileRefusal('who writes to the pipe comes to no end')
    if (piece === undefined || isOver) await pause(POLL_MS)
    else pieces.push(piece)
    length += piece?.length ?? 0
    if (length > MAX_BYTES) throw new FileRefusal('the pipe gives too much')
  }
}

/** What is there by now: nothing behind the end and before a writer came, undefined where one is still to write. */
async function readPiece(file: FileHandle): Promise<Buffer | undefined> {
  const piece = Buffer.alloc(PIECE_BYTES)
  try {
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, null)
    return piece.subarray(0, bytesRead)
  } catch (error) {
    if (describeError(error).code === 'EAGAIN') return undefined
    throw error
  }
}
