// Where a chain goes on after whatever ended the process before: behind its last seal. What follows that was
// never acknowledged, and is cut. A chain that is broken otherwise is an AuditRefusal, and stays as it is.

import { open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { type Break, followLine, type Head, readLine, readSeal, START } from './chain.ts'
import { countChains, listAside, readLines, sizeOf } from './chain-files.ts'
import { judgeNote, type Note, readNote, writeNote } from './note.ts'
import { AuditRefusal } from './refusal.ts'
import type { JudgeSeal, Sealer } from './seals.ts'

/** Where a chain stands, and what its last file holds. */
export interface OpenedChain {
  head: Head
  from: number
  /** How many chains there were. */
  chains: number
  /** Bytes of the file that is written. */
  size: number
  /** Bytes that were cut. */
  cut: number
}

/** Finds where the chain goes on, judging its last file and its noted end by the ring's keys. */
export async function openChain(
  path: string,
  { seal, judge }: { seal: Sealer; judge: JudgeSeal },
): Promise<OpenedChain> {
  makeFolder(dirname(path))
  const found = await judgeChain(path, judge)
  if (found === undefined) {
    const chains = await countChains(path)
    await writeNote(path, { ...START, from: 1, chains }, seal)
    return { head: START, from: 1, chains, size: 0, cut: 0 }
  }
  if (found.cut > 0) await cut(path, found.size)
  return found
}

/** What opening a chain would come to, changing nothing; undefined where there is none. Rejects with AuditRefusal. */
export async function judgeChain(path: string, judge: JudgeSeal): Promise<OpenedChain | undefined> {
  const note = await readNote(path)
  const aside = await listAside(path)
  const size = await sizeOf(path)
  if (note === undefined && aside.length === 0 && size === 0) return undefined
  if (note === undefined || note === 'unreadable') throw refusal(path, 1, 'end_unknown')
  const judged = judgeNote(path, note, judge)
  if (judged !== 'good') {
    throw refusal(path, note.count, judged === 'bad' ? 'forged' : 'unknown_key')
  }
  const last = aside.at(-1)
  const written = await readLast(path, { path, note, judge })
  // A file that was begun in this moment holds no seal yet, whole or torn: the one before it does.
  const found =
    written.end === 0 && last ? await readLast(last.path, { path, note, judge }) : written
  if (found.head.count < note.count) {
    const { line, reason } = found.fault ?? { line: found.head.count + 1, reason: 'cut_off' }
    throw refusal(path, line, reason)
  }
  const { from, chains } = note
  return { head: found.head, from, chains, size: written.end, cut: size - written.end }
}

/** What the operator is told of a chain that does not go on. */
function refusal(path: string, line: number, reason: Break['reason']): AuditRefusal {
  return new AuditRefusal(
    `audit.path: ${path}: line ${line}: ${reason}; fhirstorm audit verify says more; move ${basename(path)}* away to begin anew`,
  )
}

/** The head at the last seal of a file, where in the file that is, and what does not follow behind it. */
async function readLast(
  file: string,
  { path, note, judge }: { path: string; note: Note; judge: JudgeSeal },
): Promise<{ head: Head; end: number; fault: Break | undefined }> {
  let head: Head | undefined = note.from === 1 && note.count === 0 ? START : undefined
  const sealed = { head: head ?? START, end: 0 }
  let place = 0
  let fault: Break | undefined
  for await (const { text, bytes, isTorn } of readLines(file)) {
    place += bytes
    if (fault) {
      // Behind a fault there may be what a crash tore, and nothing that was acknowledged.
      if (isSealed(path, text, judge)) throw refusal(path, fault.line, fault.reason)
      continue
    }
    head ??= readLine(text)?.before ?? START
    const before: Head = head
    const next = isTorn ? 'unreadable' : followLine(before, text)
    if (typeof next === 'string') {
      fault = { line: before.count + 1, reason: next }
      if (isSealed(path, text, judge)) throw refusal(path, fault.line, fault.reason)
      continue
    }
    head = next.head
    if (head.count === note.count && head.hash !== note.hash) {
      throw refusal(path, head.count, 'forged')
    }
    if (!next.isSeal) continue
    if (head.count > note.count && !isSealed(path, text, judge)) {
      throw refusal(path, head.count, 'forged')
    }
    Object.assign(sealed, { head, end: place })
  }
  return { ...sealed, fault }
}

function isSealed(path: string, text: string, judge: JudgeSeal): boolean {
  const line = readLine(text)
  if (!line?.isSeal) return false
  const seal = readSeal(line.content)
  return seal !== undefined && judge({ name: basename(path), ...line.before }, seal) === 'good'
}

async function cut(path: string, size: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.truncate(size)
    await file.sync()
  } finally {
    await file.close()
  }
}
