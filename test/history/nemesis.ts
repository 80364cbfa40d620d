// What goes wrong in a run: processes and whole machines that are killed and started again, that stand
// still, whose clocks jump, whose lines to the store say nothing; a store that goes away, a disk that is
// full, an EHR that is slow or forgets its access tokens. One thing after another; only who was killed
// starts again meanwhile.

import { setTimeout as wait } from 'node:timers/promises'
import type { Entry, Fault } from './history.ts'
import type { HistoryWorld } from './world.ts'

type FaultName = Fault['fault']

const CALM_MS = [200, 1_500] as const
const PAUSES_MS = [200, 2_500] as const
const DELAYS_MS = [100, 1_500] as const
const FULL_MS = [200, 1_500] as const
/** Processes that are left to their work by kills, which take a start that may be slow. */
const LEAST_UP = 2
/** Of the faults that a whole machine can have. */
const SHARE_OF_MACHINES = 0.2

/** Makes faults until `isOver`; each is recorded with its beginning and its end. */
export async function runNemesis(
  world: HistoryWorld,
  random: () => number,
  record: (entry: Entry) => void,
  isOver: () => boolean,
): Promise<void> {
  const { store, machines } = world
  const everyday: FaultName[] = ['kill', 'pause', 'pause', 'slow', 'clock']
  const names: FaultName[] = [...everyday, 'expiry', 'expiry', 'expiry']
  if (store.silence) names.push('line')
  if (store.fail) names.push('store')
  if (store.fillDisk) names.push('disk')
  const restarts = new Set<Promise<void>>()
  while (!isOver()) {
    await wait(between(...CALM_MS))
    const fault = pick(names)
    const machine = pick([...machines.keys()])
    const all = (machines[machine] ?? []).filter(process => world.up.has(process))
    const isWhole = fault === 'line' || (machines.length > 1 && random() < SHARE_OF_MACHINES)
    const processes = isWhole ? all : [pick(all)]
    if (all.length === 0) continue
    if (fault === 'kill') {
      if (world.up.size - processes.length < LEAST_UP) continue
      const restart = kill(processes).finally(() => restarts.delete(restart))
      restarts.add(restart)
      continue
    }
    const start = performance.now()
    const alsoStore = await make(fault, machine, processes)
    const span = { start, end: performance.now() }
    const isOfProcess = ['pause', 'line', 'clock'].includes(fault)
    for (const process of isOfProcess ? processes : [undefined]) {
      record({ kind: 'fault', fault, ...span, process })
    }
    if (alsoStore) record({ kind: 'fault', fault: 'store', ...span })
  }
  await Promise.all(restarts)

  async function kill(processes: readonly number[]): Promise<void> {
    const start = performance.now()
    const brokers = processes.map(process => world.brokers[process])
    for (const process of processes) world.up.delete(process)
    await Promise.all(brokers.map(broker => broker?.kill()))
    await wait(between(0, 300))
    await Promise.all(brokers.map(broker => broker?.start()))
    for (const process of processes) {
      record({ kind: 'fault', fault: 'kill', start, end: performance.now(), process })
      world.up.add(process)
    }
  }

  /** True where it has ended the store as well. */
  async function make(
    fault: FaultName,
    machine: number,
    processes: readonly number[],
  ): Promise<boolean> {
    const brokers = processes.map(process => world.brokers[process])
    const signal = (name: NodeJS.Signals) => {
      for (const broker of brokers) broker?.process().kill(name)
    }
    if (fault === 'disk') return (await store.fillDisk?.(between(...FULL_MS))) ?? false
    if (fault === 'expiry') world.ehr.expireAccessTokens()
    if (fault === 'line') store.silence?.(machine)
    if (fault === 'store') await store.fail?.()
    if (fault === 'clock') signal('SIGWINCH')
    if (fault === 'slow') {
      world.lateness.ms = between(...DELAYS_MS)
      await wait(between(300, 1_500))
      world.lateness.ms = 0
    }
    // Requests go on to reach one that stands still, as no balancer notices it at once.
    if (fault === 'pause') {
      signal('SIGSTOP')
      await wait(between(...PAUSES_MS))
      signal('SIGCONT')
    }
    return false
  }

  function between(least: number, most: number): number {
    return least + random() * (most - least)
  }

  function pick<T>(from: readonly T[]): T {
    return from[Math.floor(random() * from.length)] as T
  }
}
