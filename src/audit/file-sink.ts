// A file of audit lines: written and fsynced in groups, so that many events share one wait for the disk;
// rotated by size; its head noted beside it. What resolves is on disk, and after a failure nothing is.

import { constants, createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, readFile, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Break, followChain, type Head, linkLine, START } from './chain.ts'
import type { AuditSink } from './recorder.ts'

export interface FileSinkOptions {
  path: string
  /** Size from which the file is put aside, as `PATH.` and the number of its last line. */
  rotateBytes: number
  /** Events that may wait for the disk; further ones are refused. */
  maxWaiting: number
}

interface Waiting {
  event: string
  done: () => void
  fail: (error: unknown) => void
}

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND

/**
 * Opens the file behind its own last whole line: a line that a crash tore was never acknowledged, and is
 * cut. Throws where the chain of all files is broken otherwise.
 */
export async function openFileSink(options: FileSinkOptions): Promise<AuditSink> {
  const { path, rotateBytes, maxWaiting } = options
  await cutTornLine(path)
  const found = await verifyFiles(path)
  if ('reason' in found) throw new Error(`audit: line ${found.line} is ${found.reason}`)
  let head = found
  let file = await open(path, APPEND, 0o600)
  const note = await open(`${path}.head`, constants.O_RDWR | constants.O_CREAT, 0o600)
  let { size } = await file.stat()
  await syncFolder(path)
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  let fault: unknown

  async function writeGroups(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        if (fault) throw fault
        await writeGroup(group.map(({ event }) => event))
        for (const { done } of group) done()
      } catch (error) {
        // How much of it is on disk nobody knows: the next start finds out.
        fault = error
        for (const { fail } of group) fail(error)
      }
    }
    writing = undefined
  }

  async function writeGroup(events: string[]): Promise<void> {
    if (size >= rotateBytes) await rotate()
    let next = head
    let text = ''
    for (const event of events) {
      const linked = linkLine(next, event)
      text += `${linked.line}\n`
      next = linked.head
    }
    const bytes = Buffer.from(text)
    await file.appendFile(bytes)
    await file.datasync()
    head = next
    size += bytes.length
    await note.write(`${String(head.count).padStart(15, '0')} ${head.hash}\n`, 0)
  }

  async function rotate(): Promise<void> {
    await file.close()
    await rename(path, `${path}.${head.count}`)
    file = await open(path, APPEND, 0o600)
    await syncFolder(path)
    size = 0
  }

  return {
    record: event =>
      new Promise((done, fail) => {
        if (fault) return fail(fault)
        if (waiting.length >= maxWaiting) return fail(new Error('audit: too many events wait'))
        waiting.push({ event, done, fail })
        writing ??= Promise.resolve().then(writeGroups)
      }),
    async close() {
      await writing
      fault ??= new Error('audit: the file is closed')
      await Promise.all([file.close(), note.close()])
    },
  }
}

/** Follows the chain through all files that a path stands for, the ones put aside first. */
export async function verifyFiles(path: string): Promise<Head | Break> {
  return await followChain(linesOf(await filesOf(path)), await readNote(path))
}

async function* linesOf(files: readonly string[]): AsyncGenerator<string> {
  for (const file of files) yield* createInterface({ input: createReadStream(file) })
}

async function filesOf(path: string): Promise<string[]> {
  const name = basename(path)
  const names = await readdir(dirname(path))
  const numbers = names
    .filter(other => other.startsWith(`${name}.`))
    .map(other => other.slice(name.length + 1))
    .filter(rest => /^\d{1,15}$/.test(rest))
    .sort((a, b) => Number(a) - Number(b))
  const aside = numbers.map(number => join(dirname(path), `${name}.${number}`))
  return names.includes(name) ? [...aside, path] : aside
}

async function readNote(path: string): Promise<Head> {
  const text = await readFile(`${path}.head`, 'utf8').catch(ignoreAbsent)
  const [, count, hash = ''] = /^(\d{15}) ([0-9a-f]{64})\n$/.exec(text ?? '') ?? []
  return count === undefined ? START : { count: Number(count), hash }
}

async function cutTornLine(path: string): Promise<void> {
  const file = await open(path, 'r+').catch(ignoreAbsent)
  if (!file) return
  try {
    await file.truncate(await endOfLastLine(file))
  } finally {
    await file.close()
  }
}

async function endOfLastLine(file: FileHandle): Promise<number> {
  const part = Buffer.alloc(65_536)
  let end = (await file.stat()).size
  while (end > 0) {
    const from = Math.max(0, end - part.length)
    const { bytesRead } = await file.read(part, 0, end - from, from)
    const place = part.subarray(0, bytesRead).lastIndexOf(10)
    if (place >= 0) return from + place + 1
    end = from
  }
  return 0
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
