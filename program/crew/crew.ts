// The workers of one service: so many processes on one port, over one vault. Whoever dies is replaced, a new
// configuration comes into force in all of them or in none, and each can be replaced by a fresh one while the
// others serve.

import type { Worker } from 'node:cluster'
import type { FastifyBaseLogger } from 'fastify'
import type { ProcessCounts } from '../../src/process-counts.ts'
import type { ConfigSnapshot } from '../cli/configuration.ts'
import { ConfigError } from '../config/faults.ts'
import type { Operated } from '../operation.ts'
import type { Reloaded } from '../service.ts'
import { mergeEhrStates } from './ehr-states.ts'
import { createMember, type Member, type Shared } from './member.ts'
import type { Refusal } from './questions.ts'
import { createRestartPauses } from './restart-pauses.ts'
import { createTally } from './tally.ts'

export interface CrewOptions {
  count: number
  snapshot: ConfigSnapshot
  /** Starts a process. */
  fork(): Worker
  logger: FastifyBaseLogger
  /** Gets the log lines of all. */
  write(lines: Buffer): void
  reload(): Promise<Reloaded>
  /** Hears of what an operator has changed of all. */
  onOperated(change: Operated): void
  /** What the primary itself counts. */
  counts: Pick<ProcessCounts, 'measure'>
}

export interface Crew {
  /** Resolves when all are ready, or with why one of them cannot be; then none is left. */
  start(): Promise<Refusal | undefined>
  /** Makes all ready for a configuration; rejects with ConfigError, and none has changed. */
  prepare(next: ConfigSnapshot): Promise<{ takeOver(): Promise<void> }>
  /** Replaces one after the other: the new one serves before the old one leaves. */
  roll(): Promise<void>
  /** Lets all of them end, or ends them after so long; whether all did in order. */
  end(withinMs: number): Promise<boolean>
}

/** What a worker may take to leave, and a little more than it allows itself. */
const LEAVE_MS = 40_000
const SILENT = [{ where: 'service', message: 'a process did not answer' }]

/** A crew of nobody yet. */
export function createCrew(options: CrewOptions): Crew {
  const { count, fork, logger, write, reload, onOperated, counts } = options
  const members = new Set<Member>()
  const tally = createTally({ members, counts })
  const pauseAfter = createRestartPauses(() => performance.now())
  let { snapshot } = options
  let operated: Operated = {}
  /** Places for which somebody will be started after a pause. */
  let vacant = 0
  let isServing = false
  let isEnding = false
  let rolls = 0
  /** Resolves when the configuration in force is no longer about to be replaced. */
  let changing: Promise<void> | undefined

  let starting: ReturnType<typeof startAll> | undefined
  return {
    start: () => (starting = startAll()),
    ...{ prepare, roll, end },
  }

  async function startAll(): Promise<Refusal | undefined> {
    // The first one alone: what is wrong is told once, and a new vault is made once.
    const refusal = (await join().started) ?? (await joinOthers())
    if (refusal === undefined || isEnding) {
      isServing = true
      fill(0)
      return undefined
    }
    for (const member of members) member.kill()
    await Promise.all([...members].map(({ gone }) => gone))
    return refusal
  }

  async function joinOthers(): Promise<Refusal | undefined> {
    if (isEnding) return undefined
    const others = Array.from({ length: count - 1 }, join)
    const refusals = await Promise.all(others.map(({ started }) => started))
    return refusals.find(refusal => refusal !== undefined)
  }

  function join(): Member {
    const taken = new Set([...members].map(member => member.slot))
    let slot = 1
    while (taken.has(slot)) slot++
    const member: Member = createMember({
      ...{ slot, processes: count, worker: fork(), shared, write },
      onLeaving: () => fill(pauseAfter(member.servedSince)),
      now: () => performance.now(),
      async orders() {
        while (changing) await changing
        // In the same moment: what changes from now on is for this one, too.
        member.hasOrders = true
        return { snapshot, operated }
      },
    })
    members.add(member)
    void member.gone.then(how => part(member, how))
    return member
  }

  function part(member: Member, how: { status: number | null; signal: string | null }): void {
    members.delete(member)
    tally.keep(member)
    if (!isServing || isEnding || member.state === 'leaving') return
    const pauseMs = pauseAfter(member.servedSince)
    const { slot, pid } = member
    logger.error({ worker: slot, pid, ...how, pauseMs }, 'a worker died: another takes its place')
    fill(pauseMs)
  }

  /** Starts whoever is missing, after a pause. */
  function fill(pauseMs: number): void {
    while (isServing && !isEnding && present() + vacant < count) {
      vacant++
      setTimeout(() => {
        vacant--
        if (!isEnding && present() + vacant < count) void replace()
      }, pauseMs)
    }
  }

  function present(): number {
    return [...members].filter(({ state }) => state !== 'leaving').length
  }

  async function replace(): Promise<void> {
    tally.countRestart('died')
    const { started, slot } = join()
    const refusal = await started
    if (refusal) logger.error({ worker: slot, reason: refusal.message }, 'a worker cannot start')
    else logger.info({ worker: slot }, 'a worker took the place of another')
  }

  async function prepare(next: ConfigSnapshot): Promise<{ takeOver(): Promise<void> }> {
    const change = Promise.withResolvers<void>()
    changing = change.promise
    const done = () => {
      changing = undefined
      change.resolve()
    }
    // Whoever has got the configuration of now is about to serve by it.
    await Promise.all([...members].map(({ hasOrders, started }) => hasOrders && started))
    const ready = [...members].filter(({ state }) => state === 'ready')
    const answers = await Promise.all(ready.map(member => prepareOne(member, next)))
    const faults = answers.find(({ length }) => length > 0)
    if (faults) {
      const givenUp = ready.map(({ talk }) => talk.ask('giveUp', undefined).catch(() => {}))
      await Promise.all(givenUp)
      done()
      throw new ConfigError([...faults])
    }
    return {
      async takeOver() {
        snapshot = next
        // The log tells what the configuration says, from now on.
        operated = { drain: operated.drain }
        // Who cannot is replaced by somebody who begins with it.
        const asked = ready.map(({ talk, kill }) => talk.ask('takeOver', undefined).catch(kill))
        await Promise.all(asked)
        done()
      },
    }
  }

  async function prepareOne(member: Member, next: ConfigSnapshot) {
    const answer = await member.talk.ask('prepare', next).catch(() => SILENT)
    // Who leaves or has died does not decide for the others.
    return member.state === 'ready' && members.has(member) ? answer : []
  }

  /** Asked for in the middle of one it begins again after it: whoever is fresh may be of what was there before. */
  async function roll(): Promise<void> {
    if (++rolls > 1) return
    await starting
    for (let done = 0; done < rolls; ) {
      done = rolls
      await rollOnce()
    }
    rolls = 0
  }

  async function rollOnce(): Promise<void> {
    logger.info({ workers: members.size }, 'rolling restart')
    for (const old of [...members].filter(({ state }) => state === 'ready')) {
      if (isEnding) return
      if (!members.has(old) || old.state !== 'ready') continue
      const refusal = await join().started
      if (refusal) {
        logger.error({ reason: refusal.message }, 'rolling restart stopped: the others stay')
        return
      }
      tally.countRestart('rolled')
      await dismiss(old, 'leave', LEAVE_MS)
      logger.info({ worker: old.slot }, 'a worker was replaced')
    }
  }

  /** Whether it ended in order. */
  async function dismiss(member: Member, how: 'drain' | 'leave', withinMs: number) {
    // Who serves nobody yet has nothing to bring to its end.
    const isStarting = member.state === 'starting'
    if (isStarting) member.kill()
    else member.talk.ask('end', how).catch(() => {})
    member.state = 'leaving'
    const late = setTimeout(member.kill, withinMs)
    const { status } = await member.gone
    clearTimeout(late)
    return isStarting || status === 0
  }

  async function end(withinMs: number): Promise<boolean> {
    isEnding = true
    const ended = [...members].map(member => dismiss(member, 'drain', withinMs))
    return (await Promise.all(ended)).every(Boolean)
  }

  function shared(self: Member): Shared {
    return {
      reload,
      metricsText: tally.text,
      async ehrStates() {
        const asked = [...members]
          .filter(({ state }) => state !== 'starting')
          .map(({ talk }) => talk.ask('ehrStates', undefined, 5_000).catch(() => []))
        return mergeEhrStates(await Promise.all(asked))
      },
      async operate(change) {
        operated = { ...operated, ...change }
        onOperated(change)
        // Whoever has no orders yet is told with them.
        const hearing = [...members].filter(({ hasOrders }) => hasOrders)
        await Promise.all(hearing.map(({ talk }) => talk.ask('operate', change).catch(() => {})))
      },
      tellAvailability(seen) {
        for (const member of members) {
          if (member !== self) member.talk.ask('learnAvailability', seen).catch(() => {})
        }
      },
    }
  }
}
