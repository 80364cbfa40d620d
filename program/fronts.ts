// All ports of the service, each with its front: what a new generation of the app needs is opened before it gets
// its first request, and what it no longer needs is closed after.

import type { FastifyInstance } from 'fastify'
import { createFront, type Front, type FrontOptions, type Place } from './front.ts'

/** Where a listener beside the public one is to be heard. */
export type OpenListener = (name: string, app: FastifyInstance, place: Place) => void

export interface Plan {
  /** A further listener of the generation. */
  add: OpenListener
  /** Opens what is new; rejects as Node does, and nothing is open then. */
  open(): Promise<void>
  /** Hands every place over and closes what is gone. */
  handOver(): void
  /** Closes what was opened, and nothing is handed over. */
  giveUp(): void
}

export interface Fronts {
  /** What a generation needs, the public listener first. */
  plan(app: FastifyInstance, main: FrontOptions & { place: Place }): Plan
  /** Resolves when this app has answered its last request, or after so long. */
  settled(app: FastifyInstance, withinMs: number): Promise<void>
  /** Takes no new connection; resolves when the open ones have ended, or after so long. */
  ebb(withinMs: number): Promise<void>
  stop(): void
  close(): void
}

interface Held {
  front: Front
  /** The place as text. */
  at: string
}

const MAIN = 'main'
const LAST_ANSWER_MS = 30_000

/** No port is held yet. */
export function createFronts(): Fronts {
  let held = new Map<string, Held>()
  const each = () => [...held.values()].map(({ front }) => front)

  return {
    plan(app, { place, ...options }) {
      const wanted = [{ name: MAIN, app, place, options: options as FrontOptions }]
      const next = new Map<string, Held>()
      const opened: Front[] = []
      const giveUp = () => opened.forEach(end)
      return {
        add: (name, listener, at) =>
          void wanted.push({ name, app: listener, place: at, options: { trustedProxies: [] } }),
        async open() {
          try {
            for (const { name, place: at, options: how } of wanted) {
              const key = JSON.stringify(at)
              const known = held.get(name)
              if (known?.at === key) next.set(name, known)
              else {
                const front = createFront(how)
                opened.push(front)
                await front.listen(at)
                next.set(name, { front, at: key })
              }
            }
          } catch (error) {
            giveUp()
            throw error
          }
        },
        handOver() {
          for (const { name, app: listener, options: how } of wanted) {
            const front = next.get(name)?.front
            front?.renew(how)
            front?.hand(listener)
          }
          for (const [name, { front }] of held) {
            if (next.get(name)?.front !== front) retire(front)
          }
          held = next
        },
        giveUp,
      }
    },
    async settled(app, withinMs) {
      await Promise.all(each().map(front => front.settled(app, withinMs)))
    },
    async ebb(withinMs) {
      await Promise.all(each().map(front => front.ebb(withinMs)))
    },
    stop() {
      for (const front of each()) front.stop()
    },
    close() {
      for (const front of each()) front.close()
    },
  }
}

function end(front: Front): void {
  front.stop()
  front.close()
}

/** What is under way at a place that is given up ends there, such as the question that gave it up. */
function retire(front: Front): void {
  front.stop()
  setTimeout(front.close, LAST_ANSWER_MS).unref()
}
