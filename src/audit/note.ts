// What is noted beside a chain, in PATH.head: where it ends, where the files that are kept begin, and how many
// chains there are beside it. Signed, so that nobody without the key ring cuts lines off the end.

import { open, readFile, rename } from 'node:fs/promises'
import { basename } from 'node:path'
import { isRecord } from '../smart/json.ts'
import type { Head, Signature } from './chain.ts'
import type { JudgeSeal, Sealed, Sealer } from './seals.ts'

export interface Note extends Head {
  /** Number of the first line that is kept. */
  from: number
  /** How many chains there are, as far as was ever seen. */
  chains: number
}

export type SignedNote = Note & Signature

/** Writes the note in place of the one before, and waits for the disk. */
export async function writeNote(path: string, note: Note, seal: Sealer): Promise<void> {
  const { count, hash, from, chains } = note
  const { kid, signature } = seal(describe(path, note))
  const text = JSON.stringify({ count, hash, from, chains, kid, signature })
  const fresh = `${path}.head.new`
  const file = await open(fresh, 'w', 0o600)
  try {
    await file.writeFile(`${text}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(fresh, `${path}.head`)
}

/** The note of a chain; undefined where there is none, and `unreadable` where it is not one. */
export async function readNote(path: string): Promise<SignedNote | 'unreadable' | undefined> {
  const text = await readFile(`${path}.head`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  return text === undefined ? undefined : (parse(text) ?? 'unreadable')
}

/** Whether a note was signed by one of these keys. */
export function judgeNote(path: string, note: SignedNote, judge: JudgeSeal): ReturnType<JudgeSeal> {
  return judge(describe(path, note), note)
}

function describe(path: string, { count, hash, from, chains }: Note): Sealed {
  return { name: basename(path), count, hash, note: `${from}\n${chains}` }
}

function parse(text: string): SignedNote | undefined {
  let note: unknown
  try {
    note = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(note)) return undefined
  const { count, hash, from, chains, kid, signature } = note
  const areCounts = [count, from, chains].every(value => Number.isSafeInteger(value))
  const areTexts = [hash, kid, signature].every(value => typeof value === 'string')
  return areCounts && areTexts ? (note as unknown as SignedNote) : undefined
}
