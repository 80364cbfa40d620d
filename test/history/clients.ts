// The clients of a run. They log in and use each session through any process, with the cookies as they
// were at the login: also after its end, when it must be refused. Sessions end by their own logout and by
// the EHR's.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Heard, logIn, read, type Session, send, tellLogout } from '../world/quick-user.ts'
import type { Entry, Outcome } from './history.ts'
import type { HistoryWorld } from './world.ts'

interface Held extends Session {
  isEnding: boolean
}

const PATIENTS = ['amy-shaw', 'ben-ortega', 'elena-rossi'] as const
/** Sessions that are used at one time, and ended ones that are still tried. */
const [MOST_LIVE, MOST_ENDED] = [60, 60]

/** A client waits after an answer that says nothing. */
const UNKNOWN_MS = 50

/** Runs so many clients until `isOver`. */
export async function runClients(
  { world, count, random, record }: ClientsOptions,
  isOver: () => boolean,
): Promise<void> {
  const live: Held[] = []
  const ended: Held[] = []
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (!isOver()) await act()
    }),
  )

  async function act(): Promise<void> {
    const choice = random()
    const one = pick(live)
    if (!one || (choice < 0.03 && live.length < MOST_LIVE)) return await begin()
    if (choice < 0.05) return await finish(one)
    const dead = pick(ended)
    if (choice < 0.15 && dead) return await look(dead)
    return choice < 0.35 ? await look(one) : await readIn(one)
  }

  async function begin(): Promise<void> {
    const who = { sub: randomUUID(), sid: randomUUID(), patient: pick(PATIENTS) as string }
    const start = performance.now()
    try {
      const session = await logIn(world, anyProcess, who)
      const about = { session: session.id, process: -1, start, end: performance.now() }
      record({ ...about, kind: 'login', outcome: 'ok', patient: who.patient })
      live.push({ ...session, isEnding: false })
    } catch {
      // Nobody was told of a session.
      await pause(UNKNOWN_MS)
    }
  }

  async function readIn(held: Held, process = anyProcess()): Promise<void> {
    const { heard, ...about } = await ask(held, process, () => read(world, process, held))
    record({
      ...about,
      kind: 'read',
      patient: about.outcome === 'ok' ? patientIn(heard) : undefined,
    })
  }

  async function look(held: Held, process = anyProcess()): Promise<void> {
    const { cookie } = held
    const path = `/sessions/${held.id}`
    const { heard, ...about } = await ask(held, process, () =>
      send(world, process, 'GET', path, { cookie }),
    )
    const generation = about.outcome === 'ok' ? generationIn(heard) : undefined
    record({ ...about, kind: 'look', generation })
  }

  // Right after the answer every process is asked, and the session is tried again later.
  async function finish(held: Held): Promise<void> {
    if (held.isEnding) return
    held.isEnding = true
    const process = anyProcess()
    const { id, cookie, who } = held
    const isEhrs = random() < 0.3
    const { heard: _heard, ...about } = await ask(held, process, () =>
      isEhrs
        ? tellLogout(world, process, { sid: who.sid })
        : send(world, process, 'DELETE', `/sessions/${id}`, { cookie }),
    )
    record({ ...about, kind: 'end' })
    if (about.outcome === 'unknown') {
      held.isEnding = false
      return
    }
    await Promise.all([...world.up].map(each => readIn(held, each)))
    const at = live.indexOf(held)
    if (at >= 0) live.splice(at, 1)
    ended.push(held)
    if (ended.length > MOST_ENDED) ended.shift()
  }

  async function ask(held: Held, process: number, request: () => Promise<Heard>) {
    const start = performance.now()
    const heard = await request().catch(() => undefined)
    const end = performance.now()
    const outcome = toOutcome(heard)
    // While the store is away a refusal costs nothing, and says nothing: it is not what a run is made of.
    if (outcome === 'unknown') await pause(UNKNOWN_MS)
    return { session: held.id, process, start, end, outcome, heard }
  }

  function anyProcess(): number {
    return pick(world.up.size > 0 ? [...world.up] : [0]) as number
  }

  function pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(random() * from.length)]
  }
}

interface ClientsOptions {
  world: HistoryWorld
  count: number
  random: () => number
  record: (entry: Entry) => void
}

function toOutcome(heard: Heard | undefined): Outcome {
  if (heard?.status === 200 || heard?.status === 204) return 'ok'
  if (heard?.status !== 401) return 'unknown'
  // The EHR refuses its access token; the session is another matter.
  return String(heard.headers['proxy-status']).includes('upstream_unauthorized')
    ? 'unknown'
    : 'refused'
}

function patientIn(heard: Heard | undefined): string | undefined {
  return (JSON.parse(heard?.text ?? '{}') as { id?: string }).id
}

function generationIn(heard: Heard | undefined): number | undefined {
  const { extras } = JSON.parse(heard?.text ?? '{}') as { extras?: { count?: number } }
  return extras?.count
}
