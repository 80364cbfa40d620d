// Whether chains are whole: every line through all files that are kept, the noted end, and with keys the
// signatures of that end and of what was written since. A service that writes meanwhile disturbs nothing.

import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Break, followLine, type Head, readLine, readSeal, START } from './chain.ts'
import { chainPath, countChains, listAside, readLines, sizeOf } from './chain-files.ts'
import { judgeNote, readNote, type SignedNote } from './note.ts'
import type { JudgeSeal } from './seals.ts'

export interface VerifyOptions {
  /** Judges signatures; without it these are left alone. */
  judge?: JudgeSeal
  /** A head that was noted elsewhere, which the first chain has to pass. */
  known?: Head
}

/** What is found of one chain. */
export interface Verdict {
  /** Name of its file. */
  file: string
  /** Number of the first line that is kept, and of the last. */
  from: number
  to: number
  events: number
  /** Of the last line. */
  hash: string
  fault?: Break
}

const MOST_TRIES = 5
const PAUSE_MS = 100

/** Verifies every chain of a path, those of further processes included; nothing where there is none. */
export async function verifyChains(path: string, options: VerifyOptions = {}): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  let chains = await countChains(path)
  for (let number = 0; number < chains; number++) {
    const own = chainPath(path, number)
    verdicts.push(await verifyChain(own, number === 0 ? options : { ...options, known: undefined }))
    const note = await readNote(own)
    if (typeof note === 'object') chains = Math.max(chains, note.chains)
  }
  return verdicts
}

/** Verifies one chain: again where its files changed meanwhile, because a service writes them. */
export async function verifyChain(path: string, options: VerifyOptions = {}): Promise<Verdict> {
  for (let tries = 1; ; tries++) {
    const before = await describeFiles(path)
    const verdict = await follow(path, options)
    if (verdict.fault === undefined || tries === MOST_TRIES) return verdict
    await wait(PAUSE_MS)
    if ((await describeFiles(path)) === before) return verdict
  }
}

async function follow(path: string, { judge, known }: VerifyOptions): Promise<Verdict> {
  const found: Verdict = { file: basename(path), from: 1, to: 0, events: 0, hash: START.hash }
  const fail = (line: number, reason: Break['reason']): Verdict => {
    return { ...found, fault: { line, reason } }
  }
  const note = await readNote(path)
  if (typeof note !== 'object') return fail(1, 'end_unknown')
  const fault = judge && judgeEnd(path, note, judge)
  if (fault) return { ...found, fault }
  found.from = note.from
  let head: Head | undefined = note.from === 1 ? START : undefined
  let sealed = note.from - 1
  for await (const { text, isTorn } of linesOf(path, note.from)) {
    const line = (head?.count ?? note.from - 1) + 1
    if (isTorn) return fail(line, line > note.count ? 'unsealed' : 'unreadable')
    head ??= startOf(text, note.from)
    if (head === undefined) return fail(note.from, 'missing')
    const before: Head = head
    const next = followLine(before, text)
    if (typeof next === 'string') return fail(line, next)
    head = next.head
    found.to = head.count
    found.hash = head.hash
    for (const noted of [note, known]) {
      if (head.count === noted?.count && head.hash !== noted.hash) return fail(line, 'forged')
    }
    if (!next.isSeal) found.events++
    else if (judge && head.count > note.count) {
      const reason = judgeSeal(path, before, next.content, judge)
      if (reason) return fail(line, reason)
    }
    if (next.isSeal) sealed = head.count
  }
  const end = head?.count ?? note.from - 1
  if (end < Math.max(note.count, known?.count ?? 0)) return fail(end + 1, 'cut_off')
  return sealed < end ? fail(sealed + 1, 'unsealed') : found
}

function judgeEnd(path: string, note: SignedNote, judge: JudgeSeal): Break | undefined {
  const judged = judgeNote(path, note, judge)
  if (judged === 'good') return undefined
  return { line: Math.max(1, note.count), reason: judged === 'bad' ? 'forged' : 'unknown_key' }
}

function judgeSeal(path: string, before: Head, content: string, judge: JudgeSeal) {
  const seal = readSeal(content)
  const judged = seal && judge({ name: basename(path), ...before }, seal)
  if (judged === 'good') return undefined
  return judged === 'unknown' ? 'unknown_key' : 'forged'
}

function startOf(text: string, from: number): Head | undefined {
  const line = readLine(text)
  return line?.head.count === from ? line.before : undefined
}

async function* linesOf(path: string, from: number) {
  const aside = (await listAside(path)).filter(({ last }) => last >= from)
  for (const file of [...aside.map(one => one.path), path]) yield* readLines(file)
}

async function describeFiles(path: string): Promise<string> {
  const aside = await listAside(path)
  return JSON.stringify([aside, await sizeOf(path), await readNote(path)])
}
