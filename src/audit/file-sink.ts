// A file of audit lines: written, sealed and fsynced in groups, so that many events share one wait for the disk;
// rotated by size; its end noted beside it. What resolves is on disk. After a failure, a full disk above all, the
// file is cut back to what was acknowledged, and goes on as soon as the disk does.

import { constants } from 'node:fs'
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { AuditFault } from './audit-fault.ts'
import { type Head, linkLine, linkSeal } from './chain.ts'
import { countChains, listAside, syncFolder } from './chain-files.ts'
import { writeNote } from './note.ts'
import { openChain } from './open-chain.ts'
import type { AuditSink } from './recorder.ts'
import type { JudgeSeal, Sealer } from './seals.ts'

export interface FileSinkOptions {
  path: string
  /** Size from which the file is put aside, as `PATH.` and the number of its last line. */
  rotateBytes: number
  /** How many files that were put aside stay; all unless told. */
  keep?: number
  /** Bytes of events that may wait for the disk; further ones are refused. */
  maxWaitingBytes?: number
  /** How long events gather before they are written, where nobody waits for them; not at all unless told. */
  gatherMs?: number
  seal: Sealer
  /** Judges what is there already. */
  judge: JudgeSeal
  /** The path of the first chain, where there are several. */
  firstPath?: string
  /** Number of the last line that may be lost with a file that does not stay; any unless told. */
  mayLose?: () => number
  /** Hears that events are on disk. */
  onWritten?: () => void
  /** Hears of what no event answers for. */
  onFault?: (error: unknown) => void
}

export interface FileSink extends AuditSink {
  /** Where the chain ends on the disk. */
  readonly head: Head
  /** Bytes that were cut off the end when it was opened: never acknowledged. */
  readonly cut: number
  /** Bytes written since it was opened. */
  readonly bytes: number
  /** Seals by another key, and gathers for another time, from now on. */
  adjust(next: Pick<FileSinkOptions, 'seal' | 'gatherMs'>): void
  /** Removes files that need not stay. */
  prune(): Promise<void>
}

interface Waiting {
  event: string
  done: () => void
  fail: (error: unknown) => void
}

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND
const MAX_WAITING_BYTES = 16 * 1024 * 1024
const NOTE_MS = 1_000

/** Opens the file behind its last seal; rejects with AuditRefusal where its chain is broken. */
export async function openFileSink(options: FileSinkOptions): Promise<FileSink> {
  const { path, rotateBytes, maxWaitingBytes = MAX_WAITING_BYTES, judge } = options
  const {
    keep = Number.POSITIVE_INFINITY,
    mayLose = () => Number.POSITIVE_INFINITY,
    onFault = () => {},
  } = options
  let { seal, gatherMs = 0 } = options
  const opened = await openChain(path, { seal, judge })
  let { head, from, chains, size } = opened
  let file: FileHandle | undefined
  let noted = -1
  let bytes = 0
  let waiting: Waiting[] = []
  let waitingBytes = 0
  let work: Promise<void> = Promise.resolve()
  let isWriting = false
  let isClosed = false

  try {
    await restore().catch(bearFullDisk)
    await note().catch(bearFullDisk)
  } catch (error) {
    await discard()
    throw error
  }
  const timer = setInterval(() => void inTurn(watch).catch(onFault), NOTE_MS).unref()

  return {
    get head() {
      return head
    },
    cut: opened.cut,
    get bytes() {
      return bytes
    },
    adjust(next) {
      seal = next.seal
      gatherMs = next.gatherMs ?? 0
    },
    prune: () => inTurn(prune),
    record: event =>
      new Promise((done, fail) => {
        if (isClosed) return fail(new AuditFault('AUDIT_CLOSED'))
        if (waitingBytes + event.length > maxWaitingBytes) return fail(new AuditFault('AUDIT_BUSY'))
        waiting.push({ event, done, fail })
        waitingBytes += event.length
        if (isWriting) return
        isWriting = true
        void inTurn(writeGroups)
      }),
    async close() {
      if (isClosed) return
      isClosed = true
      clearInterval(timer)
      await work
      await note().catch(onFault)
      await file?.close()
    },
  }

  /** A start is not refused for it: there may be room before the first event. */
  function bearFullDisk(error: NodeJS.ErrnoException): void {
    if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error
    onFault(error)
  }

  /** One thing after the other; gives what it comes to, and holds up nothing that comes after. */
  function inTurn(act: () => Promise<void>): Promise<void> {
    const acted = work.then(act)
    work = acted.catch(() => {})
    return acted
  }

  async function writeGroups(): Promise<void> {
    while (waiting.length > 0) {
      if (gatherMs > 0 && !isClosed) await wait(gatherMs)
      const group = waiting
      waiting = []
      waitingBytes = 0
      try {
        await restore()
        if (size >= rotateBytes) await rotate()
        await writeGroup(group)
        for (const { done } of group) done()
        options.onWritten?.()
      } catch (error) {
        // How much of it is on the disk nobody knows: it is cut, now or before anything else is written.
        await discard()
        await restore().catch(() => {})
        for (const { fail } of group) fail(error)
      }
    }
    isWriting = false
  }

  async function writeGroup(group: readonly Waiting[]): Promise<void> {
    let next = head
    let text = ''
    for (const { event } of group) {
      const linked = linkLine(next, event)
      text += `${linked.line}\n`
      next = linked.head
    }
    const sealed = linkSeal(next, seal({ name: basename(path), ...next }))
    const lines = Buffer.from(`${text}${sealed.line}\n`)
    await file?.appendFile(lines)
    await file?.datasync()
    head = sealed.head
    size += lines.length
    bytes += lines.length
  }

  /** The file with what was acknowledged, and nothing behind it. */
  async function restore(): Promise<void> {
    if (file) return
    const fresh = await open(path, APPEND, 0o600)
    try {
      await fresh.truncate(size)
      await fresh.datasync()
      await syncFolder(path)
    } catch (error) {
      await fresh.close().catch(() => {})
      throw error
    }
    file = fresh
  }

  async function discard(): Promise<void> {
    const broken = file
    file = undefined
    await broken?.close().catch(() => {})
  }

  async function rotate(): Promise<void> {
    await file?.close()
    file = undefined
    await rename(path, `${path}.${head.count}`)
    size = 0
    await restore()
    await note().catch(onFault)
    await prune().catch(onFault)
  }

  async function prune(): Promise<void> {
    const aside = await listAside(path)
    const gone = aside.slice(0, -keep).filter(({ last }) => last <= mayLose())
    const last = gone.at(-1)?.last
    if (last === undefined) return
    from = Math.max(from, last + 1)
    await note()
    for (const one of gone) await unlink(one.path)
  }

  async function note(): Promise<void> {
    chains = Math.max(chains, await countChains(options.firstPath ?? path))
    await writeNote(path, { ...head, from, chains }, seal)
    noted = head.count
  }

  /** Notes the end, and sees whether the file is still the one that has this name. */
  async function watch(): Promise<void> {
    if (head.count !== noted) await note()
    const [named, written] = [await stat(path).catch(() => undefined), await file?.stat()]
    if (written === undefined || named?.ino === written.ino) return
    await file?.close()
    file = undefined
    size = named?.size ?? 0
    await restore()
    throw new AuditFault('AUDIT_FILE_GONE')
  }
}
