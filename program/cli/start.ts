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
import { configurationOptions, readCommandLine } from './command-line.ts'
import { readConfiguration } from './configuration.ts'
import { closeInspector } from './inspector.ts'
import { type LogOutput, openLogOutput } from './log-output.ts'
import { findNodeFault } from './node-options.ts'
import { watchFaults } from './process-faults.ts'
import { describeListenFault } from './surroundings.ts'
import { complain } from './terminal.ts'

/** Longest life after SIGTERM, in milliseconds; the server cuts its streams five seconds earlier. */
const DRAIN_MS = 30_000

const grammar = {
  name: 'fhirstorm start',
  options: configurationOptions,
  usage: `usage: fhirstorm start [--config FILE] [--host HOST] [--port PORT] …

  --config FILE      the configuration; else FHIRSTORM_CONFIG, or ./fhirstorm.yaml
  --host, --port     where to listen (listen.host, listen.port)
  --public-url URL   where browsers reach fhirstorm (publicUrl)
  --keys-file FILE   the key ring (keysFile)
  --vault WHERE      a path for SQLite, or a redis:// URL (vault)
  --log-level LEVEL  trace, debug, info, warn or error (log.level)

  An option counts before a variable of the environment, and that before the file.
`,
}

/** Runs the service until a signal ends it; a number is the exit status of a refused start. */
export async function start(args: string[]): Promise<number | undefined> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const nodeFault = await findNodeFault(process.execArgv, process.env)
  if (nodeFault !== undefined) return refuse(nodeFault, 2)
  const config = await readConfiguration(line.values)
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
  // Who asks while we drain is not to come back on the same connection.
  app.addHook('onRequest', async (_request, { raw }) => {
    if (state.isDraining) raw.shouldKeepAlive = false
  })
  await serve(app, buildOptions(config, surroundings))
  if (closeInspector()) logger.warn('a debugger is open, and reads every token')
  const fault = await openPorts(app, config)
  if (fault !== undefined) {
    await app.close()
    return refuse(fault, 1)
  }
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

/** Listens, or tells in words why that cannot be. */
async function openPorts(app: FastifyInstance, { listen, admin }: Config) {
  try {
    await app.listen({ host: listen.host, port: listen.port })
    return undefined
  } catch (error) {
    const fault = describeListenFault(error)
    if (fault === undefined) throw error
    // Node's error says which of the two it was.
    const { port } = error as { port?: number }
    const isAdmin = admin && port === admin.port && port !== listen.port
    const [setting, place] = isAdmin ? ['admin.port', admin] : ['listen.port', listen]
    return `${setting}: ${place.host}:${place.port}: ${fault}`
  }
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
