// Delivering a chain to a server: what is recorded is sent in batches, tried again with growing pauses where that
// may pass, put aside where it is refused. How far it came is noted in PATH.sent; after a crash what was sent
// since is sent again under the same name. The network, the randomness and the clock are passed in.

import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { chooseRest } from '../smart/rest.ts'
import { AuditFault } from './audit-fault.ts'
import { type Head, START } from './chain.ts'
import { createQueueReader, type QueuedEvent } from './queue-reader.ts'
import { putAside, type Refused } from './refused-events.ts'

/** What became of one event: a status of the server where it is refused, or will be tried again. */
export type Fate = { is: 'taken' } | { is: 'refused' | 'later'; status: number }

/** What became of a batch; `too much` where it is to be tried in parts. */
export type Posted =
  | { fates: readonly Fate[] }
  | { tooMuch: number }
  | { retryAfterSeconds?: number; error: unknown }

export interface DeliveryOptions {
  path: string
  /** Number of the last line on the disk. */
  end: () => number
  /** Sends events, in their order; never rejects. */
  post: (events: readonly QueuedEvent[], signal: AbortSignal) => Promise<Posted>
  /** Bytes that may be put aside. */
  maxRefusedBytes: number
  onTaken?: (events: number) => void
  onRefused?: (refused: readonly Refused[]) => void
  /** Hears of each try that came to nothing. */
  onFault?: (error: unknown) => void
  /** Hears how far it came. */
  onProgress?: (line: number) => void
  random?: () => number
  /** Longest pause between two tries; a minute unless told. */
  maxPauseMs?: number
}

export interface Delivery {
  /** Something is recorded. */
  wake(): void
  /** Number of the last line that need not be kept. */
  readonly deliveredTo: number
  /** Bytes of the queue that wait no more. */
  readonly bytes: number
  /** Resolves once all that was recorded is delivered or put aside. */
  caughtUp(): Promise<void>
  /** Breaks off; what is under way will be sent again. */
  close(): Promise<void>
}

const ROOM = { events: 100, bytes: 1024 * 1024 }
/** What became of an event of which nothing was said. */
const UNTOLD: Fate = { is: 'later', status: 0 }
/** Tries of an event of which the server takes the neighbours. */
const MOST_TRIES = 8

interface Open {
  event: QueuedEvent
  tries: number
}

/** Goes on where it was broken off the last time, and begins at once. */
export async function startDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { path, end, post, maxRefusedBytes, random = Math.random, maxPauseMs = 60_000 } = options
  const onFault = options.onFault ?? (() => {})
  const found = await readPlace(path)
  // Of a chain that was moved away.
  const start = found.count > end() ? START : found
  const reader = createQueueReader(path, start, onFault)
  const ending = new AbortController()
  const { signal } = ending
  let noted: Head = start
  let open: Open[] = []
  let openBytes = 0
  let most = ROOM.events
  let failures = 0
  let wakeUp = () => {}
  let idlers: (() => void)[] = []
  const running = run()

  return {
    wake: () => wakeUp(),
    get deliveredTo() {
      return noted.count
    },
    get bytes() {
      return reader.bytes - openBytes
    },
    caughtUp: () =>
      new Promise(done => {
        idlers.push(done)
        wakeUp()
      }),
    async close() {
      ending.abort()
      wakeUp()
      await running
      await reader.close()
    },
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await fill()
        if (open.length === 0) await idle()
        else await send(open.slice(0, most))
      } catch (error) {
        await rest(error)
      }
    }
  }

  async function fill(): Promise<void> {
    const events = ROOM.events - open.length
    const [last, room] = [end(), { events, bytes: ROOM.bytes }]
    for (const event of await reader.read(last, room)) open.push({ event, tries: 0 })
    openBytes = sizeOf(open)
    // A file that somebody else has cut or replaced ends before its chain does.
    if (open.length === 0 && reader.at.count < last) throw new AuditFault('AUDIT_QUEUE_BROKEN')
  }

  async function idle(): Promise<void> {
    await note()
    const done = idlers
    idlers = []
    for (const tell of done) tell()
    if (signal.aborted || reader.at.count < end()) return
    await new Promise<void>(resolve => {
      wakeUp = resolve
    })
    wakeUp = () => {}
  }

  async function send(batch: readonly Open[]): Promise<void> {
    const posted = await post(
      batch.map(({ event }) => event),
      signal,
    )
    if ('error' in posted) return await rest(posted.error, posted.retryAfterSeconds)
    if ('tooMuch' in posted) {
      const [only] = batch
      if (batch.length > 1) most = Math.ceil(batch.length / 2)
      else if (only) await settle(batch, [{ is: 'refused', status: posted.tooMuch }])
      return
    }
    await settle(batch, posted.fates)
  }

  async function settle(batch: readonly Open[], fates: readonly Fate[]): Promise<void> {
    const taken = fates.filter(({ is }) => is === 'taken').length
    const refused: Refused[] = []
    const again: Open[] = []
    let later: AuditFault | undefined
    for (const [i, one] of batch.entries()) {
      const fate = fates[i] ?? UNTOLD
      if (fate.is === 'taken') continue
      // It is the event's own fault only where the server takes others.
      if (fate.is === 'later' && taken > 0) one.tries++
      if (fate.is === 'refused' || one.tries >= MOST_TRIES) {
        refused.push({ event: one.event, status: fate.status })
      } else {
        again.push(one)
        later ??= new AuditFault(`AUDIT_STATUS_${fate.status}`)
      }
    }
    if (refused.length > 0) {
      await putAside(path, refused, maxRefusedBytes)
      options.onRefused?.(refused)
    }
    if (taken > 0) {
      options.onTaken?.(taken)
      failures = 0
    }
    open = [...again, ...open.slice(batch.length)]
    openBytes = sizeOf(open)
    most = Math.min(2 * most, ROOM.events)
    await note()
    if (later) await rest(later)
  }

  /** Everything before the first event that is still open need not be sent again. */
  async function note(): Promise<void> {
    const place = open[0]?.event.before ?? reader.at
    if (place.count === noted.count) return
    await writePlace(path, place)
    noted = place
    options.onProgress?.(place.count)
  }

  async function rest(error: unknown, askedSeconds?: number): Promise<void> {
    failures++
    if (signal.aborted) return
    onFault(error)
    const pause = chooseRest(failures, { askedSeconds, random: random(), maxMs: maxPauseMs })
    await wait(pause, undefined, { signal }).catch(() => {})
  }
}

function sizeOf(open: readonly Open[]): number {
  return open.reduce((sum, { event }) => sum + event.bytes, 0)
}

async function writePlace(path: string, { count, hash }: Head): Promise<void> {
  await writeFile(`${path}.sent.new`, `${JSON.stringify({ line: count, hash })}\n`, { mode: 0o600 })
  await rename(`${path}.sent.new`, `${path}.sent`)
}

/** Where it was broken off; at the beginning where nobody knows, since what comes twice is no second event. */
async function readPlace(path: string): Promise<Head> {
  try {
    const { line, hash } = JSON.parse(await readFile(`${path}.sent`, 'utf8'))
    return Number.isSafeInteger(line) && typeof hash === 'string' ? { count: line, hash } : START
  } catch {
    return START
  }
}
