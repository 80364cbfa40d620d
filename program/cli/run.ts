// A process that serves: the only one, or one of several workers. Opens log, vault and ports, and ends in order by
// a signal, by a fault, or when it is told.

import { setTimeout as wait } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import { AuditRefusal } from '../../src/audit/refusal.ts'
import { locateFault } from '../../src/fault-site.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import { type AuditSurroundings, openAuditSink } from '../audit-sink.ts'
import type { Config } from '../config/load.ts'
import { readContract } from '../contract.ts'
import { openVault } from '../embedded.ts'
import { buildLoggerOptions } from '../logging.ts'
import { type Service, type ServiceOptions, startService } from '../service.ts'
import { findAtSocket } from '../socket-file.ts'
import { closeInspector } from './inspector.ts'
import { describeListenFault, describeSocketFault, findListenMember } from './listen-fault.ts'
import { openLogOutput } from './log-output.ts'
import { watchFaults } from './process-faults.ts'

/** Longest life after SIGTERM, in milliseconds; the server cuts its streams five seconds earlier. */
export const DRAIN_MS = 30_000
const CUT_MS = 5_000
/** How long connections that nobody uses are left open for others to take over, in milliseconds. */
const EBB_MS = 5_000

/** Signals that are no end. */
export const notEnding = [
  ...(['uncaughtException', 'unhandledRejection', 'SIGHUP', 'SIGUSR2'] as const),
]

/** With all that serve; by itself, while others go on; or because nobody leads it any more. */
export type Ending = 'drain' | 'leave' | 'orphaned'

export interface Role
  extends Pick<
    ServiceOptions,
    'metricsText' | 'ehrStates' | 'processes' | 'operated' | 'spread' | 'onAvailability'
  > {
  /** What `POST /reload` does. */
  reload(): ReturnType<NonNullable<ServiceOptions['reload']>>
  /** Its number, where it is one of several. */
  worker?: number
  /** Hears of the configuration at the start, and of each that follows. */
  onConfig?: (config: Config) => void
  /** Hears that nothing new is taken. */
  onEnding?: () => void
  /** The last thing before the process ends. */
  onEnded?: (service: Service) => Promise<void>
}

export interface Running {
  service: Service
  logger: Logger
  /** Ends the process; what was begun first counts. */
  end(how: Ending): void
}

/** Serves from now on; or why it cannot, in one line. */
export async function run(config: Config, role: Role): Promise<Running | string> {
  const { worker, onConfig, onEnding, onEnded, ...others } = role
  const log = openLogOutput(lines => logger.warn({ lines }, 'log lines were dropped'))
  const all = pino(buildLoggerOptions(config.log.level), log)
  const logger: Logger = worker === undefined ? all : all.child({ worker })
  let ending: ReturnType<typeof closeWithGrace> | undefined
  let chosen: Ending | undefined
  let isEnding = false
  const faults = watchFaults({
    logger,
    end() {
      process.exitCode = 1
      if (ending) end('drain')
      else process.exit()
    },
  })
  const stores = await openStores(config, { logger, append: log.append }).catch(
    (error: unknown) => {
      if (error instanceof VaultRefusal || error instanceof AuditRefusal) return error.message
      throw error
    },
  )
  if (typeof stores === 'string') return stores
  const { vault, auditSink, warnings } = stores
  for (const warning of warnings) logger.warn({ warning }, 'vault')

  const service = await open({
    ...{ config, logger, vault, auditSink, onReload: arm, ...others },
    contract: await readContract(),
    countOutside: () => ({ ...faults, droppedLogLines: log.droppedLines }),
  })
  if (typeof service === 'string') {
    await vault.close()
    await auditSink?.close()
    return service
  }
  if (closeInspector()) logger.warn('a debugger is open, and reads every token')
  const { publicUrl, registrations, listen } = config
  const { host, port } = listen
  logger.info({ publicUrl, host, port, ehrs: registrations.length }, 'listening')
  arm(config)
  return { service, logger, end }

  /** What the process itself does by a configuration. */
  function arm(next: Config): void {
    onConfig?.(next)
    const delay = next.drainDelaySeconds * 1_000
    ending?.uninstall()
    ending = closeWithGrace({ delay: DRAIN_MS + delay, logger: false, skip: notEnding }, async () =>
      drain(delay),
    )
  }

  function end(how: Ending): void {
    chosen ??= how
    if (!isEnding) ending?.close()
  }

  async function drain(delay: number): Promise<void> {
    if (typeof service === 'string') return
    isEnding = true
    onEnding?.()
    try {
      if (chosen === 'leave') {
        logger.info('leaving')
        await service.leave(EBB_MS)
      } else {
        service.beginDraining()
        logger.info('draining')
        if (chosen !== 'orphaned') await wait(delay)
      }
      await service.close(DRAIN_MS - CUT_MS - (chosen === 'leave' ? EBB_MS : 0))
      await vault.close()
      // The last endings are recorded, too.
      await auditSink?.close()
    } catch (error) {
      process.exitCode = 1
      logger.error({ err: error, at: locateFault(error) }, 'not everything was closed in order')
    }
    await onEnded?.(service)
    await log.end()
    // Else the status would be 0 after a fault, too.
    if (process.exitCode) process.exit()
  }
}

/** What outlives every generation of the app. */
async function openStores(config: Config, surroundings: AuditSurroundings) {
  const { vault, warnings } = await openVault(config)
  try {
    return { vault, warnings, auditSink: await openAuditSink(config, surroundings) }
  } catch (error) {
    await vault.close()
    throw error
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
    if ('socket' in place) {
      const found = await findAtSocket(place.socket)
      const isTaken = found === 'served' || found === 'other'
      return `${setting}.socket: ${place.socket}: ${isTaken ? describeSocketFault(found) : fault}`
    }
    return `${setting}.${findListenMember(error)}: ${place.host}:${place.port}: ${fault}`
  }
}
