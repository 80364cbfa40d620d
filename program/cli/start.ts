// `fhirstorm start`: reads the configuration, opens the vault, listens, reads the configuration anew on SIGHUP,
// and drains on SIGTERM. Refuses to start with a faulty configuration (status 2) or without its vault or
// ports (status 1).

import { setTimeout as wait } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import { locateFault } from '../../src/fault-site.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import type { Vault } from '../../src/vault/vault.ts'
import type { Config } from '../config/load.ts'
import { readContract } from '../contract.ts'
import { openVault } from '../embedded.ts'
import { buildLoggerOptions } from '../logging.ts'
import { type Service, type ServiceOptions, startService } from '../service.ts'
import { type CommandLine, configurationOptions, readCommandLine } from './command-line.ts'
import { judgeConfiguration, listReadFiles, readConfiguration } from './configuration.ts'
import { closeInspector } from './inspector.ts'
import { type LogOutput, openLogOutput } from './log-output.ts'
import { findNodeFault } from './node-options.ts'
import { watchFaults } from './process-faults.ts'
import { describeListenFault } from './surroundings.ts'
import { complain } from './terminal.ts'
import { watchFiles } from './watched-files.ts'

/** Longest life after SIGTERM, in milliseconds; the server cuts its streams five seconds earlier. */
const DRAIN_MS = 30_000
const CUT_MS = 5_000

const grammar = {
  name: 'fhirstorm start',
  options: configurationOptions,
  usage: `usage: fhirstorm start [--config FILE] [--host HOST] [--port PORT] …

  --config FILE      the configuration; else FHIRSTORM_CONFIG, or ./fhirstorm.yaml
  --host, --port     where to listen (listen.host, listen.port)
  --public-url URL   where browsers reach fhirstorm (publicUrl)
  --keys-file FILE   the key ring (keysFile)
  --vault WHERE      a path for SQLite, or a redis:// URL (vault)
  --audit WHERE      stdout, a path, or the base of a FHIR server (audit)
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
  return await run(config, line.values)
}

async function run(config: Config, values: CommandLine['values']): Promise<number | undefined> {
  const log = openLogOutput(lines => logger.warn({ lines }, 'log lines were dropped'))
  const logger: Logger = pino(buildLoggerOptions(config.log.level), log)
  let ending: ReturnType<typeof closeWithGrace> | undefined
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

  const { vault } = opened
  let stopWatching: (() => void) | undefined
  const service = await open({
    ...{ config, logger, vault, read: () => judgeConfiguration(values), onReload: arm },
    contract: await readContract(),
    countOutside: () => ({ ...faults, droppedLogLines: log.droppedLines }),
  })
  if (typeof service === 'string') {
    await vault.close()
    return refuse(service, 1)
  }
  if (closeInspector()) logger.warn('a debugger is open, and reads every token')
  logger.info({ publicUrl: config.publicUrl, ehrs: config.registrations.length }, 'listening')
  process.on('SIGHUP', () => void reload())
  arm(config)
  return undefined

  async function reload(): Promise<void> {
    if (typeof service === 'object') await service.reload()
  }

  /** What the process itself does by a configuration: watching its files, and ending. */
  function arm({ watch, drainDelaySeconds }: Config): void {
    if (!watch) stopWatching = void stopWatching?.()
    else stopWatching ??= watchFiles(listReadFiles, reload)
    const delay = drainDelaySeconds * 1_000
    ending?.uninstall()
    ending = closeWithGrace(
      {
        delay: DRAIN_MS + delay,
        logger: false,
        skip: ['uncaughtException', 'unhandledRejection', 'SIGHUP'],
      },
      async () => {
        stopWatching?.()
        if (typeof service !== 'object') return
        service.beginDraining()
        logger.info('draining')
        await wait(delay)
        await drain(service, vault, logger, log)
      },
    )
  }
}

/** The service, or in words why it cannot listen. */
async function open(options: ServiceOptions): Promise<Service | string> {
  try {
    return await startService(options)
  } catch (error) {
    const fault = describeListenFault(error)
    if (fault === undefined) throw error
    // Node's error says which of them it was.
    const { port, address } = error as { port?: number; address?: string }
    const { listen, admin, internal } = options.config
    const places = { listen, ...(admin && { admin }), ...(internal && { internal }) }
    const [setting, place] =
      Object.entries(places).find(([, one]) =>
        'socket' in one ? one.socket === address : one.port === port,
      ) ?? (['listen', listen] as const)
    return 'socket' in place
      ? `${setting}.socket: ${place.socket}: ${fault}`
      : `${setting}.port: ${place.host}:${place.port}: ${fault}`
  }
}

async function drain(
  service: Service,
  vault: Vault,
  logger: Logger,
  log: LogOutput,
): Promise<void> {
  try {
    await service.close(DRAIN_MS - CUT_MS)
    await vault.close()
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
