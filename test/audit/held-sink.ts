// A sink that a test holds in its hand: it takes events, keeps whoever records waiting, or refuses.

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { listFaults } from './profiles.ts'

export type Json = Record<string, unknown>

export interface HeldSink {
  record(event: string): Promise<void>
  /** What is done with the next events. */
  mode: 'take' | 'hold' | 'refuse'
  /** Texts of what was taken. */
  taken: string[]
  /** Takes what is held, and goes on taking. */
  release(): void
  /** Refuses what is held. */
  drop(): void
  held(): number
  /** The events that were taken, each valid, and none of them any more. */
  drain(): Json[]
  /** The same, once there are so many: what is recorded in passing comes a little later. */
  next(count: number): Promise<Json[]>
}

/** Takes everything until it is told otherwise. */
export function createHeldSink(): HeldSink {
  let waiting: { event: string; done: () => void; fail: (error: Error) => void }[] = []
  const sink: HeldSink = {
    mode: 'take',
    taken: [],
    record(event) {
      if (sink.mode === 'refuse') return Promise.reject(new Error('the disk is full'))
      if (sink.mode === 'hold') {
        return new Promise((done, fail) => void waiting.push({ event, done, fail }))
      }
      sink.taken.push(event)
      return Promise.resolve()
    },
    release() {
      sink.mode = 'take'
      const all = waiting
      waiting = []
      for (const { event, done } of all) {
        sink.taken.push(event)
        done()
      }
    },
    drop() {
      const all = waiting
      waiting = []
      for (const { fail } of all) fail(new Error('the disk is gone'))
    },
    held: () => waiting.length,
    drain() {
      const events = sink.taken.splice(0).map(text => JSON.parse(text) as Json)
      for (const event of events) assert.deepEqual(listFaults(event), [], JSON.stringify(event))
      return events
    },
    async next(count) {
      while (sink.taken.length < count) await turn()
      return sink.drain()
    },
  }
  return sink
}

/** The request's id that an event tells. */
export function requestIdOf(event: Json): string | undefined {
  const { entity = [] } = event as { entity?: { what?: Json; type?: Json; detail?: Json[] }[] }
  const own = entity.find(({ type }) => type?.code === 'XrequestId')?.what?.identifier as Json
  const told = entity.flatMap(({ detail = [] }) => detail).find(one => one.type === 'X-Request-Id')
  return (own?.value ?? told?.valueString) as string | undefined
}

/** Subtype and outcome: `read 0`. */
export function summarize(event: Json): string {
  const [subtype] = (event.subtype ?? []) as { code: string }[]
  return `${subtype?.code ?? 'other'} ${event.outcome ?? '-'}`
}
