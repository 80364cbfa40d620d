// `fhirstorm start`: reads the configuration, opens the vault, listens, and drains on SIGTERM. Refuses
// to start with a faulty configuration (status 2) or without its vault (status 1).

import { setTimeout as wait } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { type Logger, pino } from 'pino'
import { locateFault } from '../../src/fault-site.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import { serve } from '../app.ts'
import type { Config } from '../config/load.ts'
import { readContract } from '../contract.ts'
import { openVault } from '../embedded.ts'
import { buildLoggerOptions } from '../logging.ts'
import { buildOptions } from '../options.ts'
import { createServer } from '../server.ts'
import { parseCommandLine, readConfiguration } from './configuration.ts'
import { closeInspector } from './inspector.ts'
import { type LogOutput, openLogOutput } from './log-output.ts'
import { findNodeFault } from './node-options.ts'
import { watchFaults } from './process-faults.ts'
import { complain } from './terminal.ts'

/** Longest life after SIGTERM, in milliseconds; the server cuts its streams five seconds earlier. */
const DRAIN_MS = 30_000

/** Runs the service until a signal ends it; a number is the exit status of a refused start. */
export async function start(args: string[]): Promise<number | undefined> {
  const nodeFault = await findNodeFault(process.execArgv, process.env)
  if (nodeFault !== undefined) return refuse(nodeFault, 2)
  const { values } = parseCommandLine(args)
  const config = await readConfiguration(values.config as string | undefined)
  if (!config) return 2
  return await run(config)
}

async function run(config: Config): Promise<number | undefined> {
  const log = openLogOutput(lines => logger.warn({ lines }, 'log lines were dropped'))
  const logger: Logger = pino(buildLoggerOptions(config.log.level), log)
  let ending: { close(): void } | undefined
  const faults = watchFaults({
    logger,
    end() {
      process.exitCode = 1
      if (ending) ending.close()
      else process.exit()
    },
  })
  const opened = await openVault(config).catch((error: unknown) => {
    if (error instanceof VaultRefusal) return error
    throw error
  })
  if (opened instanceof VaultRefusal) return refuse(opened.message, 1)
  for (const warning of opened.warnings) logger.warn({ warning }, 'vault')

  const { trustedProxies, listen, publicUrl } = config
  const app = createServer({ logger, trustedProxies, tls: listen.tls })
  const state = { isDraining: false }
  const surroundings = {
    isDraining: () => state.isDraining,
    vault: opened.vault,
    contract: await readContract(),
    countOutside: () => ({ ...faults, droppedLogLines: log.droppedLines }),
  }
  await serve(app, buildOptions(config, surroundings))
  if (closeInspector()) logger.warn('a debugger is open, and reads every token')
  await app.listen({ host: listen.host, port: listen.port })
  logger.info({ publicUrl, ehrs: config.registrations.length }, 'listening')

  ending = closeWithGrace(
    {
      delay: DRAIN_MS + config.drainDelaySeconds * 1_000,
      logger: false,
      skip: ['uncaughtException', 'unhandledRejection'],
    },
    async () => {
      state.isDraining = true
      logger.info('draining')
      await wait(config.drainDelaySeconds * 1_000)
      await drain(app, logger, log)
    },
  )
  return undefined
}

async function drain(app: FastifyInstance, logger: Logger, log: LogOutput): Promise<void> {
  try {
    await app.close()
  } catch (error) {
    process.exitCode = 1
    logger.error({ err: error, at: locateFault(error) }, 'not everything was closed in order')
  }
  await log.end()
  // Else the status would be 0 after a fault, too.
  if (process.exitCode) process.exit()
}

function refuse(message: string, status: number): number {
  complain(`fhirstorm: ${message}\n`)
  return status
}
