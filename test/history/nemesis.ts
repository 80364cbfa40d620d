// What goes wrong in a run: processes killed and started again, processes that stand still, lines to the store
// that say nothing, a store that goes away, an EHR that is slow or forgets its access tokens. One thing after another.

import type { Entry, Fault } from './history.ts'
import type { HistoryWorld } from './world.ts'

type FaultName = Fault['fault']

const PAUSES_MS = [200, 2_500] as const
const DELAYS_MS = [100, 1_500] as const

/** Makes faults until `isOver`; each is recorded with its beginning and its end. */
export async function runNemesis(
  world: HistoryWorld,
  random: () => number,
  record: (entry: Entry) => void,
  isOver: () => boolean,
): Promise<void> {
  const names: FaultName[] = ['kill', 'pause', 'pause', 'slow', 'expiry', 'expiry', 'expiry']
  if (world.store.silence) names.push('line', 'line')
  if (world.store.fail) names.push('store')
  while (!isOver()) {
    await wait(between(100, 700))
    const fault = names[Math.floor(random() * names.length)] as FaultName
    const process = Math.floor(random() * world.ports.length)
    const start = performance.now()
    await make(fault, process)
    const isOfProcess = ['kill', 'pause', 'line'].includes(fault)
    record({
      ...{ kind: 'fault', fault, start, end: performance.now() },
      process: isOfProcess ? process : undefined,
    })
  }

  async function make(fault: FaultName, process: number): Promise<void> {
    const broker = world.brokers[process]
    if (fault === 'expiry') world.sandbox.expireAccessTokens()
    if (fault === 'line') world.store.silence?.(process)
    if (fault === 'store') await world.store.fail?.()
    if (fault === 'slow') {
      world.ehr.delayMs = between(...DELAYS_MS)
      await wait(between(300, 1_500))
      world.ehr.delayMs = 0
    }
    if (fault === 'kill') {
      world.up.delete(process)
      await broker?.kill()
      await wait(between(0, 300))
      await broker?.start()
      world.up.add(process)
    }
    // Requests go on to reach one that stands still, as no balancer notices it at once.
    if (fault === 'pause') {
      broker?.process().kill('SIGSTOP')
      await wait(between(...PAUSES_MS))
      broker?.process().kill('SIGCONT')
    }
  }

  function between(least: number, most: number): number {
    return least + random() * (most - least)
  }
}

async function wait(milliseconds: number): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}
