// The service while it runs: one generation of the app after the other on the same ports, over the same vault and
// log. A reload reads and judges the whole configuration as a start does; with a fault everything stays as it
// is, else a second generation is built beside the first, gets every new request, and the first one ends with its
// last answer. No plugin knows of it.

import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { EhrState } from '../plugins/discovery.ts'
import type { Tokens } from '../plugins/renewal.ts'
import type {} from '../plugins/session-events.ts'
import { buildKeyMarks } from '../src/keys.ts'
import { keepCounts, keepSums, type Measured, printMeasured, sumMeasured } from '../src/measured.ts'
import {
  createProcessCounts,
  type OutsideCounts,
  type ProcessCounts,
} from '../src/process-counts.ts'
import { measureProcess } from '../src/process-metrics.ts'
import type { Vault } from '../src/vault/vault.ts'
import { serve } from './app.ts'
import type { AuditOutlet } from './audit-sink.ts'
import { type Config, ConfigError, type ConfigFault } from './config/load.ts'
import { listFixed } from './fixed-settings.ts'
import { createFronts } from './fronts.ts'
import { resolveLimits } from './limits.ts'
import { createOperation, type Operated, type OperationOptions } from './operation.ts'
import { buildOptions } from './options.ts'
import { createServer } from './server.ts'
import type { Surroundings } from './surroundings.ts'

export interface ServiceOptions
  extends Pick<Surroundings, 'reload' | 'metricsText' | 'ehrStates' | 'processes'> {
  config: Config
  logger: Logger
  vault: Vault
  /** Where audit events go, for all generations. */
  auditSink?: AuditOutlet
  contract: string
  /** What the process has counted outside of requests. */
  countOutside: () => OutsideCounts
  /** What an operator has changed before, in the other processes. */
  operated?: Operated
  /** Carries what an operator changes to all processes; where there is one, nothing is to be told. */
  spread?: OperationOptions['spread']
  /** Hears of each configuration that has come into force after the first. */
  onReload?: (config: Config) => void
  /** Hears when an EHR stops or begins to answer. */
  onAvailability?: (ehr: string, isDown: boolean) => void
}

/** What a reload came to. */
export type Reloaded = { ok: true } | { ok: false; faults: readonly ConfigFault[] }

/** A generation that is built and ready, beside the one of now. */
export interface Successor {
  /** Gets every request from now on. */
  takeOver(): void
  /** Ends before it has begun. */
  giveUp(): Promise<void>
}

export interface Service {
  /** Builds the next generation; rejects where it cannot be, and nothing has changed. One at a time. */
  prepare(next: Config): Promise<Successor>
  /** What this process has measured since it began, whatever generation it was. */
  measure(): Promise<Measured[]>
  noteReload: ProcessCounts['noteReload']
  ehrStates(): readonly EhrState[]
  /** Puts into force what an operator has changed elsewhere. */
  operate(change: Operated): void
  /** Hears from elsewhere that an EHR stops or begins to answer. */
  learnAvailability(ehr: string, isDown: boolean): void
  /** `/readyz` says 503, and answers ask for no further request on the same connection. */
  beginDraining(): void
  /** Leaves its ports to others who listen there, with every connection that comes to its end in that time. */
  leave(withinMs: number): Promise<void>
  /** Takes nothing new, answers what is under way, and ends. */
  close(drainMs: number): Promise<void>
}

/** How long an app that was replaced may go on answering: as long as any answer may take. */
const LAST_ANSWER_MS = 3_600_000

/** Builds the first generation and opens its ports; rejects as Node does where one cannot be opened. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { logger, vault, auditSink, contract, countOutside, onReload, onAvailability, ...others } =
    options
  const { operated: before, spread } = options
  const { take: operate, ...operators } = createOperation({ logger, before, spread })
  const counts = createProcessCounts({ countOutside, isLed: others.processes !== undefined })
  const fronts = createFronts()
  /** The generations that have not ended: those of before have answers under way. */
  const alive = new Set<FastifyInstance>()
  let { config } = options
  let isDraining = false
  let isLeaving = false
  let isClosing = false
  /** A generation that is being built. */
  let underWay: Promise<unknown> = Promise.resolve()
  let isLearning = false
  /** Counted by generations that have ended. */
  let past: Measured[] = []
  let app: FastifyInstance | undefined
  /** The scope in the app of now that has the product's decorators. */
  let product: FastifyInstance | undefined
  const first = await build(config)
  first.takeOver()

  return {
    prepare,
    measure,
    noteReload: counts.noteReload,
    operate,
    ehrStates: () => product?.smartDiscovery.states() ?? [],
    learnAvailability(ehr, isDown) {
      isLearning = true
      product?.smartAvailability?.learn(ehr, isDown)
      isLearning = false
    },
    beginDraining() {
      isDraining = true
    },
    async leave(withinMs) {
      isLeaving = true
      await fronts.ebb(withinMs)
    },
    async close(drainMs) {
      isClosing = true
      await underWay
      fronts.stop()
      await Promise.all([...alive].map(generation => end(generation, drainMs)))
      fronts.close()
    },
  }

  async function measure(): Promise<Measured[]> {
    const counted = [...alive].map(async generation => {
      const measured = await generation.smartMetrics.measure()
      return generation === app ? measured : keepSums(measured)
    })
    const apps = sumMeasured([past, ...(await Promise.all(counted)), await counts.measure()])
    return [...apps, ...(await measureProcess())]
  }

  async function prepare(next: Config): Promise<Successor> {
    if (isDraining || isLeaving) {
      throw new ConfigError([{ where: 'service', message: 'it is about to end' }])
    }
    const faults = listFixed(config, next)
    if (faults.length > 0) throw new ConfigError(faults)
    await vault.verifyKeys(buildKeyMarks(next.keyRing))
    const building = build(next)
    underWay = building.catch(() => undefined)
    const { takeOver, giveUp } = await building
    return {
      giveUp,
      takeOver() {
        if (isClosing) return void giveUp()
        const [before, parts] = [app, product]
        takeOver()
        config = next
        logger.level = next.log.level
        if (before) void endReplaced(before, parts?.smartTokens)
        auditSink?.renew(next)
        onReload?.(next)
        logger.info({ ehrs: next.registrations.length }, 'reloaded')
      },
    }
  }

  async function build(next: Config): Promise<Successor> {
    const [{ trustedProxies }, { tls, ...place }] = [next, next.listen]
    const { connections: limits } = resolveLimits(next.limits)
    const generation = createServer({ logger, trustedProxies, limits, isBehindFront: true })
    const plan = fronts.plan(generation, { place, tls, trustedProxies, limits })
    // Who asks while we drain is not to come back on the same connection.
    generation.addHook('onRequest', (_request, { raw }, done) => {
      if (isDraining || isLeaving) raw.shouldKeepAlive = false
      done()
    })
    const built = buildOptions(next, {
      ...{ vault: keepOpen(vault), auditSink, contract, isDraining: () => isDraining },
      metricsText: async () => await printMeasured(await measure()),
      ...operators,
      ...others,
    })
    built.discovery.before = product?.smartDiscovery.known()
    for (const listener of [built.admin, built.internal]) if (listener) listener.open = plan.add
    const { delivery } = auditSink ?? {}
    if (delivery) {
      // What waits is told by the generation of now, what was counted by whichever is asked.
      const queueBytes = () => (app === generation ? delivery.queueBytes() : 0)
      built.metrics.delivery = { ...delivery, queueBytes }
    }
    let scope: FastifyInstance | undefined
    try {
      await serve(generation, built, one => {
        scope = one
      })
      await generation.ready()
      await plan.open()
    } catch (error) {
      await generation.close()
      throw error
    }
    return {
      takeOver() {
        plan.handOver()
        alive.add(generation)
        app = generation
        product = scope
        scope?.smartAvailability?.watch((ehr, isDown) => {
          if (!isLearning && product === scope) onAvailability?.(ehr, isDown)
        })
      },
      async giveUp() {
        plan.giveUp()
        await generation.close()
      },
    }
  }

  async function endReplaced(generation: FastifyInstance, tokens?: Tokens): Promise<void> {
    await fronts.settled(generation, LAST_ANSWER_MS)
    // What goes back to an EHR behind an answer is tried to its end: the process goes on.
    await tokens?.settled().catch(() => undefined)
    await end(generation, LAST_ANSWER_MS).catch((error: unknown) => {
      logger.error({ err: error }, 'not everything of the generation before was closed in order')
    })
  }

  /** Once its last answer has ended, or after so long. */
  async function end(generation: FastifyInstance, withinMs: number): Promise<void> {
    await fronts.settled(generation, withinMs)
    await generation.close()
    const measured = await generation.smartMetrics.measure()
    // Two that end at once are both kept: nothing waits between reading and writing.
    if (alive.delete(generation)) past = keepCounts(sumMeasured([past, measured]))
  }
}

/** The vault outlives every generation. */
function keepOpen(vault: Vault): Vault {
  return Object.create(vault, { close: { value: async () => undefined } })
}
