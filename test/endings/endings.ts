// Sessions that are ended in every way there is, over HTTP and several processes of the product, while
// each of them is read through every process: before its end it must be served, and the moment that the
// end is acknowledged it must not be, by any.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'undici'
import { createBroker, makeFolder, startAll } from '../world/broker.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { startQuickEhr } from '../world/quick-ehr.ts'
import {
  connectTo,
  logIn,
  type Processes,
  read,
  type Session,
  send,
  tellLogout,
} from '../world/quick-user.ts'
import type { ConfigDocument } from '../world/world.ts'

/** Ways to end a session; each gives whether it was acknowledged. */
export const ways = {
  /** Its own logout. */
  own: async (all, one, session) => await leave(all, one, session),
  /** Of every session of the browser. */
  everywhere: async (all, one, { cookie }) =>
    (await send(all, one, 'POST', '/logout', { cookie })).status === 200,
  backchannelLogin: async (all, one, { who: { sid } }) =>
    (await tellLogout(all, one, { sid })).status === 204,
  backchannelUser: async (all, one, { who: { sub } }) =>
    (await tellLogout(all, one, { sub })).status === 204,
  /** An administrator's. */
  async operator(all, one, { who }) {
    const user = new URLSearchParams({ ehr: 'quick', iss: all.ehr.origin, sub: who.sub })
    const admin = { ...all, pools: all.admins }
    return (await send(admin, one, 'DELETE', `/sessions?${user}`)).status === 200
  },
  /** Another user logs in with this browser. */
  async otherUser(all, one, session) {
    await logIn(all, () => one, undefined, session)
    return true
  },
  /** One login more than a browser may have. */
  async tooMany(all, one, session) {
    await logIn(all, () => one, { ...session.who, sid: randomUUID() }, session)
    return true
  },
  /** Two at once through two processes; whichever is answered first counts. */
  async twice(all, one, session) {
    const other = (one + 1) % all.pools.length
    const { sid } = session.who
    return await Promise.any([
      leave(all, one, session).then(orFail),
      tellLogout(all, other, { sid }).then(({ status }) => orFail(status === 204)),
    ])
  },
} satisfies Record<string, (all: Deployed, one: number, session: Session) => Promise<boolean>>
export type Way = keyof typeof ways

export interface Run {
  /** In turn. */
  ways: readonly Way[]
  endings: number
  /** Sessions that are ended at one time. */
  atOnce: number
  /** Further clients, which read sessions that live on, and so many milliseconds between two reads. */
  readers: number
  pauseMs: number
}

export interface Outcome {
  acknowledged: number
  /** Sessions that could not be begun, and ends that were refused: they say nothing. */
  others: number
  /** Reads before the ends that were served, and all of them; each session through each process. */
  before: { served: number; all: number }
  /** The same after the ends were acknowledged, and by which way and process they were served. */
  after: { served: number; all: number; by: string[] }
  /** Reads of sessions that lived on: those that were not served, and what each took. */
  load: { failures: number; milliseconds: number[] }
  /** Of acknowledged ends by way, in milliseconds. */
  milliseconds: Map<Way, number[]>
}

export interface Deployed extends Processes {
  /** The admin listener of each. */
  admins: readonly Pool[]
  /** Stops a process where it stands, and lets it go on. */
  stop(process: number): void
  goOn(process: number): void
  close(): Promise<void>
}

/** Starts so many processes over one vault, with a browser allowed one session. */
export async function deployFor(
  count: number,
  vault: Record<string, unknown> | undefined,
): Promise<Deployed> {
  const ports = await Promise.all(Array.from({ length: 2 * count }, findPort))
  const [publicPorts, adminPorts] = [ports.slice(0, count), ports.slice(count)]
  const app = `http://localhost:${publicPorts[0]}`
  const ehr = await startQuickEhr()
  const folder = makeFolder()
  const brokers = publicPorts.map((port, i) =>
    createBroker({
      ...{ app, sandbox: ehr.origin, folder, port, env: { NODE_ENV: 'production' } },
      configure(document: ConfigDocument) {
        if (vault) document.vault = vault
        document.ehrs = [ehr.registration]
        document.sessions = { perBrowser: 1 }
        // Logins come as fast as the machine lets them.
        document.limits = { logins: { perEhr: 1_000_000, all: 1_000_000 } }
        document.admin = { port: adminPorts[i] }
        document.trustedProxies = ['127.0.0.1']
      },
    }),
  )
  const pools = publicPorts.map(connectTo)
  const admins = adminPorts.map(connectTo)
  const close = async () => {
    await Promise.allSettled([...pools, ...admins].map(pool => pool.destroy()))
    await Promise.allSettled(brokers.map(broker => broker.close()))
    await ehr.close()
    removeFolder(folder)
  }
  await startAll(brokers, close)
  return {
    ...{ app, pools, admins, ehr, close },
    stop: process => void brokers[process]?.process().kill('SIGSTOP'),
    goOn: process => void brokers[process]?.process().kill('SIGCONT'),
  }
}

/** Ends so many sessions, and tells what was served. */
export async function endSessions(all: Deployed, run: Run): Promise<Outcome> {
  const outcome: Outcome = {
    ...{ acknowledged: 0, others: 0, load: { failures: 0, milliseconds: [] } },
    ...{ before: { served: 0, all: 0 }, after: { served: 0, all: 0, by: [] } },
    milliseconds: new Map(run.ways.map(way => [way, []])),
  }
  let next = 0
  let isOver = false
  const readers = Array.from({ length: run.readers }, async (_, i) => {
    const kept = await begin(i % all.pools.length)
    for (let at = i; !isOver; at++) {
      const start = performance.now()
      if ((await read(all, at % all.pools.length, kept)).status !== 200) outcome.load.failures++
      outcome.load.milliseconds.push(performance.now() - start)
      await pause(run.pauseMs)
    }
  })
  // On a machine that is short of time a login may fail, or an end be refused: neither says anything.
  const enders = Array.from({ length: run.atOnce }, async () => {
    while (next < run.endings) await endOne(next++).catch(() => void outcome.others++)
  })
  try {
    await Promise.all(enders)
  } finally {
    isOver = true
    await Promise.allSettled(readers)
  }
  return outcome

  async function begin(process: number): Promise<Session> {
    for (let tries = 0; ; tries++) {
      try {
        return await logIn(all, () => process)
      } catch (error) {
        if (tries > 10) throw error
      }
    }
  }

  async function endOne(number: number): Promise<void> {
    const way = run.ways[number % run.ways.length] as Way
    const process = Math.floor(number / run.ways.length) % all.pools.length
    const session = await begin((process + 1) % all.pools.length)
    await readEverywhere(session, outcome.before)
    const start = performance.now()
    if (!(await ways[way](all, process, session))) throw new Error('not acknowledged')
    const took = performance.now() - start
    outcome.acknowledged++
    outcome.milliseconds.get(way)?.push(took)
    const servers = await readEverywhere(session, outcome.after)
    outcome.after.by.push(...servers.map(server => `${way} by ${process}: ${server}`))
  }

  /** The processes that served it. */
  async function readEverywhere(session: Session, counts: { served: number; all: number }) {
    const found = await Promise.all(all.pools.map((_, process) => read(all, process, session)))
    const servers = [...found.keys()].filter(process => found[process]?.status === 200)
    counts.all += found.length
    counts.served += servers.length
    return servers
  }
}

async function leave(all: Processes, one: number, { id, cookie }: Session): Promise<boolean> {
  return (await send(all, one, 'DELETE', `/sessions/${id}`, { cookie })).status === 200
}

function orFail(isAcknowledged: boolean): true {
  if (!isAcknowledged) throw new Error('not acknowledged')
  return true
}
