// The service while it runs: one generation of the app after the other on the same ports, over the same vault and
// log. A reload reads and judges the whole configuration as a start does; with a fault everything stays as it
// is, else a second generation is built beside the first, gets every new request, and the first one ends with its
// last answer. No plugin knows of it.

import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { MetricsOptions } from '../plugins/metrics.ts'
import { createDrain } from '../src/drain.ts'
import { describeError } from '../src/error-description.ts'
import { buildKeyMarks } from '../src/keys.ts'
import { VaultRefusal } from '../src/vault/refusal.ts'
import type { Vault } from '../src/vault/vault.ts'
import { serve } from './app.ts'
import { type Config, ConfigError, type ConfigFault } from './config/load.ts'
import { createFronts } from './fronts.ts'
import { buildOptions } from './options.ts'
import { createServer } from './server.ts'

export interface ServiceOptions {
  config: Config
  /** Reads and judges the configuration anew; rejects with ConfigError. */
  read: () => Promise<Config>
  logger: Logger
  vault: Vault
  contract: string
  countOutside: MetricsOptions['countOutside']
  /** Hears of each configuration that a reload has put in force. */
  onReload?: (config: Config) => void
}

/** What a reload came to. */
export type Reloaded = { ok: true } | { ok: false; faults: readonly ConfigFault[] }

export interface Service {
  /** One at a time; rejects never. */
  reload(): Promise<Reloaded>
  /** `/readyz` says 503, and answers ask for no further request on the same connection. */
  beginDraining(): void
  /** Takes nothing new, answers what is under way, and ends. */
  close(drainMs: number): Promise<void>
}

/** How long an app that was replaced may go on answering: as long as any answer may take. */
const LAST_ANSWER_MS = 3_600_000

/** Builds the first generation and opens its ports; rejects as Node does where one cannot be opened. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { logger, vault, read, contract, countOutside, onReload } = options
  const fronts = createFronts()
  /** The generations that have not ended: those of before have answers under way. */
  const alive = new Set<FastifyInstance>()
  let { config } = options
  let isDraining = false
  const drain = createDrain()
  const verbosity = {
    read: () => logger.level,
    set(level: string) {
      logger.level = level
    },
  }
  let reloading: Promise<unknown> = Promise.resolve()
  let app = await build(config)

  return {
    reload,
    beginDraining() {
      isDraining = true
    },
    async close(drainMs) {
      await reloading
      fronts.stop()
      await Promise.all([...alive].map(generation => end(generation, drainMs)))
      fronts.close()
    },
  }

  async function build(next: Config): Promise<FastifyInstance> {
    const { trustedProxies } = next
    const { tls, ...place } = next.listen
    const generation = createServer({ logger, trustedProxies, isBehindFront: true })
    const plan = fronts.plan(generation, { place, tls, trustedProxies })
    // Who asks while we drain is not to come back on the same connection.
    generation.addHook('onRequest', (_request, { raw }, done) => {
      if (isDraining) raw.shouldKeepAlive = false
      done()
    })
    const built = buildOptions(next, {
      ...{ vault: keepOpen(vault), contract, countOutside, isDraining: () => isDraining },
      ...{ reload, drain, verbosity },
    })
    for (const listener of [built.admin, built.internal]) if (listener) listener.open = plan.add
    try {
      await serve(generation, built)
      await generation.ready()
      await plan.carryOut()
      alive.add(generation)
      return generation
    } catch (error) {
      await generation.close()
      throw error
    }
  }

  async function tryReload(): Promise<Reloaded> {
    try {
      if (isDraining) throw new ConfigError([{ where: 'service', message: 'it is about to end' }])
      const next = await read()
      const faults = listFixed(config, next)
      if (faults.length > 0) throw new ConfigError(faults)
      await vault.verifyKeys(buildKeyMarks(next.keyRing))
      const before = app
      app = await build(next)
      config = next
      logger.level = next.log.level
      void end(before, LAST_ANSWER_MS).catch((error: unknown) => {
        logger.error({ err: error }, 'not everything of the generation before was closed in order')
      })
      onReload?.(next)
      logger.info({ ehrs: next.registrations.length }, 'reloaded')
      return { ok: true }
    } catch (error) {
      const faults = describeFaults(error)
      logger.error({ faults }, 'not reloaded: the configuration of before stays')
      return { ok: false, faults }
    }
  }

  /** Once its last answer has ended, or after so long. */
  async function end(generation: FastifyInstance, withinMs: number): Promise<void> {
    await fronts.settled(generation, withinMs)
    await generation.close()
    alive.delete(generation)
  }

  function reload(): Promise<Reloaded> {
    const outcome = reloading.then(tryReload)
    reloading = outcome
    return outcome
  }
}

/** The vault outlives every generation. */
function keepOpen(vault: Vault): Vault {
  return Object.create(vault, { close: { value: async () => undefined } })
}

/** What a running process cannot change. */
function listFixed(before: Config, after: Config): ConfigFault[] {
  const fixed = [
    ['listen.host', before.listen.host, after.listen.host],
    ['listen.port', before.listen.port, after.listen.port],
    ['listen.tls', before.listen.tls !== undefined, after.listen.tls !== undefined],
    ['vault', JSON.stringify(before.vault), JSON.stringify(after.vault)],
  ] as const
  return fixed.flatMap(([setting, was, is]) =>
    was === is ? [] : [{ where: setting, message: 'takes a restart to change' }],
  )
}

function describeFaults(error: unknown): readonly ConfigFault[] {
  if (error instanceof ConfigError) return error.faults
  if (error instanceof VaultRefusal) return [{ where: 'keysFile', message: error.message }]
  const { name, code } = describeError(error)
  return [{ where: 'service', message: [name, code].filter(Boolean).join(' ') }]
}
