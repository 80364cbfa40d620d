// One worker as its primary sees it: a process that starts, serves, leaves and is gone.

import type { Worker } from 'node:cluster'
import type { Measured } from '../../src/measured.ts'
import type { OfPrimary, OfWorker, Orders, Refusal } from './questions.ts'
import { type Answers, createTalk, type Talk } from './talk.ts'
import { createWholeLines } from './whole-lines.ts'

export interface Member {
  readonly slot: number
  readonly pid: number | undefined
  state: 'starting' | 'ready' | 'leaving'
  /** Since when it is ready. */
  servedSince?: number
  /** Has got its configuration. */
  hasOrders: boolean
  /** What it had counted when it was asked the last time. */
  counted: readonly Measured[]
  readonly talk: Talk<OfWorker>
  /** Resolves when it is ready, or with why it will never be. */
  readonly started: Promise<Refusal | undefined>
  /** Resolves when the process is no more, with the way it ended. */
  readonly gone: Promise<{ status: number | null; signal: string | null }>
  kill(): void
}

/** What members ask, but for what is about one of them alone. */
export type Shared = Pick<
  Answers<OfPrimary>,
  'reload' | 'metricsText' | 'ehrStates' | 'operate' | 'tellAvailability'
>

export interface MemberOptions {
  slot: number
  processes: number
  worker: Worker
  /** The configuration in force, once none is about to replace it, and what was changed since. */
  orders(): Promise<Pick<Orders, 'snapshot' | 'operated'>>
  /** Answers its questions about all of them. */
  shared(self: Member): Shared
  /** Gets its log lines, whole ones alone. */
  write(lines: Buffer): void
  onLeaving(): void
  now(): number
}

const START_MS = 120_000

/** A worker whose process has just been started. */
export function createMember(options: MemberOptions): Member {
  const { slot, processes, worker, orders, shared, write, onLeaving, now } = options
  const started = Promise.withResolvers<Refusal | undefined>()
  const gone = Promise.withResolvers<{ status: number | null; signal: string | null }>()
  const member: Member = {
    ...{ slot, pid: worker.process.pid, state: 'starting', hasOrders: false, counted: [] },
    ...{ started: started.promise, gone: gone.promise },
    kill: () => void worker.process.kill('SIGKILL'),
    talk: createTalk<OfWorker, OfPrimary>({
      send: message => void worker.send(message as never, undefined, undefined, () => {}),
      answers: {
        orders: async () => ({ slot, processes, ...(await orders()) }),
        ready() {
          if (member.state !== 'starting') return
          member.state = 'ready'
          member.servedSince = now()
          started.resolve(undefined)
        },
        refuse: why => started.resolve(why),
        leaving() {
          member.state = 'leaving'
          onLeaving()
        },
        farewell(counted) {
          member.counted = counted
        },
        reload: () => shared(member).reload(undefined),
        metricsText: () => shared(member).metricsText(undefined),
        ehrStates: () => shared(member).ehrStates(undefined),
        operate: change => shared(member).operate(change),
        tellAvailability: seen => shared(member).tellAvailability(seen),
      },
    }),
  }
  const late = setTimeout(member.kill, START_MS).unref()
  void member.started.then(() => clearTimeout(late))
  const { stdout } = worker.process
  stdout?.on('data', createWholeLines(write))
  worker.on('message', message => member.talk.hear(message))
  worker.on('error', () => {})
  // Its last lines have been read by then.
  worker.process.once('close', (status: number | null, signal: string | null) => {
    member.talk.end()
    const how = signal ?? `status ${status}`
    started.resolve({ message: `a process ended before it was ready (${how})`, status: 1 })
    gone.resolve({ status, signal })
  })
  return member
}
