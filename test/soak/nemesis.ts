// What goes wrong in a long run, one thing after the other: everything that an operator does, which nobody may
// notice, and faults of processes, of the store and of the EHR, which excuse what they cause.

import { setTimeout as pause } from 'node:timers/promises'
import { type Fault, faults, type Made } from './record.ts'
import type { SoakWorld } from './world.ts'

export interface NemesisOptions {
  world: SoakWorld
  random: () => number
  note(made: Made): void
  /** Of a quiet time between two faults, in milliseconds. */
  quietMs: number
}

const EVERY = 1_000
const AWAY_MS = 1_000

/** Makes each kind of fault in turn until `isOver`, beginning with what nobody may notice. */
export async function runNemesis(options: NemesisOptions, isOver: () => boolean): Promise<void> {
  const { world, random, note, quietMs } = options
  for (let turn = 0; !isOver(); turn++) {
    await pause(quietMs * (0.5 + random()))
    const fault = faults[turn % faults.length] as Fault
    const made: Made = { fault, start: performance.now(), end: Number.POSITIVE_INFINITY }
    note(made)
    await make(fault, turn)
    made.end = performance.now()
  }

  async function make(fault: Fault, turn: number): Promise<void> {
    if (fault === 'renewal') world.sandbox.expireAccessTokens()
    if (fault === 'reload' || fault === 'faulty reload') {
      await reload(turn % 2, `Turn ${turn}`, fault === 'reload')
    }
    if (fault === 'restart') await restart()
    if (fault === 'kill') await killProcess()
    if (fault === 'slow EHR') {
      world.ehr.delayMs = 500
      await pause(AWAY_MS)
      world.ehr.delayMs = 0
    }
    if (fault === 'EHR down') {
      world.ehr.isDown = true
      await pause(AWAY_MS)
      world.ehr.isDown = false
    }
    if (fault === 'Redis down') {
      await world.redis.kill()
      await pause(AWAY_MS)
      await world.redis.start()
    }
  }

  async function reload(process: number, name: string, isSound: boolean): Promise<void> {
    const broker = world.brokers[process]
    if (!broker) return
    world.change(process, document => {
      document.ehrs[0].name = isSound ? name : 7
    })
    const told = isSound ? '"msg":"reloaded"' : '"msg":"not reloaded'
    const before = broker.output.length
    broker.process().kill('SIGHUP')
    for (let tries = 0; !broker.output.slice(before).join('').includes(told); tries++) {
      if (tries > EVERY) throw new Error(`never ${told}: ${broker.output.slice(before).join('')}`)
      await pause(50)
    }
    world.change(process, document => {
      document.ehrs[0].name = name
    })
    broker.output.length = 0
  }

  async function restart(): Promise<void> {
    world.up.delete(1)
    const status = await world.brokers[1]?.stop()
    if (status !== 0) throw new Error(`ended with ${status}`)
    await world.brokers[1]?.start()
    world.up.add(1)
  }

  async function killProcess(): Promise<void> {
    world.up.delete(1)
    await world.brokers[1]?.kill()
    await world.brokers[1]?.start()
    world.up.add(1)
  }
}
