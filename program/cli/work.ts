// A worker: serves as a single process does, by the configuration that its primary has judged. Started by the
// primary alone. When the primary is gone the worker ends what was begun, and itself.

import cluster from 'node:cluster'
import { setTimeout as wait } from 'node:timers/promises'
import { ConfigError } from '../config/load.ts'
import type { OfPrimary, OfWorker } from '../crew/questions.ts'
import { createTalk } from '../crew/talk.ts'
import type { Operated } from '../operation.ts'
import { describeFaults } from '../reload-faults.ts'
import type { Successor } from '../service.ts'
import { configurationOptions, readCommandLine, refuse } from './command-line.ts'
import { judgeSnapshot } from './configuration.ts'
import { findNodeFault } from './node-options.ts'
import { type Running, run } from './run.ts'

const grammar = {
  name: 'fhirstorm work',
  options: configurationOptions,
  usage: 'fhirstorm work is what `fhirstorm start` runs for each of several processes\n',
}

const RELOAD_MS = 180_000
/** What a worker that ends waits for its primary to hear its last counts, in milliseconds. */
const FAREWELL_MS = 1_000

/** Serves until the primary, a signal or a fault ends it; a number is the exit status of a refused start. */
export async function work(args: string[]): Promise<number | undefined> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const { worker: self } = cluster
  if (self === undefined) return refuse(grammar, '`fhirstorm start` starts it')
  const nodeFault = await findNodeFault(process.execArgv, process.env)

  let running: Running | undefined
  /** The generation that is to take over, or is on its way. */
  let successor: Promise<Successor> | undefined
  let operated: Operated = {}
  const talk = createTalk<OfPrimary, OfWorker>({
    send: message => void process.send?.(message, undefined, undefined, () => {}),
    answers: {
      async prepare(next) {
        try {
          successor = judgeSnapshot(next, line.values).then(config =>
            (running as Running).service.prepare(config),
          )
          await successor
          return []
        } catch (error) {
          successor = undefined
          return describeFaults(error)
        }
      },
      async takeOver() {
        const next = await successor
        successor = undefined
        next?.takeOver()
      },
      async giveUp() {
        // Also one that took so long that nobody waits for it any more.
        const next = await successor?.catch(() => undefined)
        successor = undefined
        await next?.giveUp()
      },
      measure: async () => (await running?.service.measure()) ?? [],
      ehrStates: () => running?.service.ehrStates() ?? [],
      operate(change) {
        operated = { ...operated, ...change }
        running?.service.operate(change)
      },
      learnAvailability: ({ ehr, isDown }) => running?.service.learnAvailability(ehr, isDown),
      end: how => running?.end(how),
    },
  })
  process.on('message', talk.hear)
  // Else Node would end the process in the middle of its answers.
  self.exitedAfterDisconnect = true
  process.on('disconnect', () => {
    talk.end()
    if (running) running.end('orphaned')
    else process.exit(1)
  })
  // They come to every process of a terminal or a service; the primary does what they say.
  for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})

  if (nodeFault !== undefined) return await giveReason(nodeFault, 2)
  const { slot, processes, snapshot, ...orders } = await talk.ask('orders', undefined, RELOAD_MS)
  operated = { ...orders.operated, ...operated }
  const config = await judgeSnapshot(snapshot, line.values).catch((error: unknown) => {
    if (error instanceof ConfigError) return error
    throw error
  })
  if (config instanceof ConfigError) return await giveReason(config.message, 2)
  const started = await run(config, {
    ...{ worker: slot, processes, operated },
    spread: change => talk.ask('operate', change),
    reload: () => talk.ask('reload', undefined, RELOAD_MS),
    metricsText: () => talk.ask('metricsText', undefined),
    ehrStates: () => talk.ask('ehrStates', undefined),
    onAvailability: (ehr, isDown) => tell(talk.ask('tellAvailability', { ehr, isDown })),
    onEnding: () => tell(talk.ask('leaving', undefined)),
    async onEnded(service) {
      const told = service.measure().then(counted => talk.ask('farewell', counted))
      await Promise.race([told.catch(() => undefined), wait(FAREWELL_MS)])
    },
  })
  if (typeof started === 'string') return await giveReason(started, 1)
  running = started
  // What was changed while it started.
  running.service.operate(operated)
  await talk.ask('ready', undefined)
  return undefined

  /** The primary says it in its own name. */
  async function giveReason(message: string, status: number): Promise<never> {
    await talk.ask('refuse', { message, status }).catch(() => undefined)
    process.exit(status)
  }
}

/** Where nobody is left to hear it, it does not matter. */
function tell(asked: Promise<unknown>): void {
  asked.catch(() => undefined)
}
