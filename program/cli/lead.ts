// The primary of several processes: it holds the port and hands each connection to a worker, but reads no request.
// Signals and changed files come to it; it judges each configuration once, keeps the workers' log in one, and
// ends when they have.

import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import { pino } from 'pino'
import { createProcessCounts } from '../../src/process-counts.ts'
import type { Config } from '../config/load.ts'
import { ConfigError } from '../config/load.ts'
import { createCrew } from '../crew/crew.ts'
import type { Refusal } from '../crew/questions.ts'
import { listFixed } from '../fixed-settings.ts'
import { buildLoggerOptions } from '../logging.ts'
import { createReloads } from '../reloads.ts'
import type { CommandLine } from './command-line.ts'
import { listReadFiles, type ReadConfiguration, takeSnapshot } from './configuration.ts'
import { openLogOutput } from './log-output.ts'
import { watchFaults } from './process-faults.ts'
import { DRAIN_MS, notEnding } from './run.ts'
import { watchFiles } from './watched-files.ts'

/** What the workers' endings may take beyond their own deadline, in milliseconds. */
const GRACE_MS = 3_000

/** Leads so many workers until a signal ends them all; or why one of them cannot start. */
export async function lead(
  { config: first, snapshot }: ReadConfiguration,
  values: CommandLine['values'],
  count: number,
): Promise<Refusal | undefined> {
  const log = openLogOutput(lines => logger.warn({ lines }, 'log lines were dropped'))
  const logger = pino(buildLoggerOptions(first.log.level), log)
  let config = first
  let ending: ReturnType<typeof closeWithGrace> | undefined
  let stopWatching: (() => void) | undefined
  const faults = watchFaults({
    logger,
    end() {
      process.exitCode = 1
      if (ending) ending.close()
      else process.exit()
    },
  })
  // Each connection goes to the next worker; a worker that leaves, or dies, leaves none waiting.
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    exec: process.argv[1],
    args: ['work', ...process.argv.slice(3)],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const counts = createProcessCounts({
    countOutside: () => ({ ...faults, droppedLogLines: log.droppedLines }),
  })
  const crew = createCrew({
    ...{ count, snapshot, logger, reload: () => reloads.reload() },
    fork: () => cluster.fork(),
    write: log.pass,
    onOperated({ level }) {
      if (level !== undefined) logger.level = level
    },
    counts,
  })
  const reloads = createReloads({
    ...{ logger, read: () => takeSnapshot(values), prepare, onOutcome: counts.noteReload },
  })
  process.on('SIGHUP', () => void reloads.reload())
  process.on('SIGUSR2', () => void crew.roll())
  arm(config)
  const refusal = await crew.start()
  if (refusal) {
    ending?.uninstall()
    stopWatching?.()
    await log.end()
    return refusal
  }
  logger.info({ workers: count }, 'leading')
  return undefined

  async function prepare(next: ReadConfiguration) {
    const faults = listFixed(config, next.config)
    if (faults.length > 0) throw new ConfigError(faults)
    const { takeOver } = await crew.prepare(next.snapshot)
    return {
      async takeOver() {
        await takeOver()
        config = next.config
        logger.level = config.log.level
        arm(config)
      },
    }
  }

  /** What the process itself does by a configuration: watching its files, and ending. */
  function arm({ watch, drainDelaySeconds }: Config): void {
    if (!watch) stopWatching = void stopWatching?.()
    else stopWatching ??= watchFiles(listReadFiles, reloads.reload)
    const withinMs = DRAIN_MS + drainDelaySeconds * 1_000 + GRACE_MS
    ending?.uninstall()
    ending = closeWithGrace(
      { delay: withinMs + GRACE_MS, logger: false, skip: notEnding },
      async () => {
        stopWatching?.()
        logger.info('draining')
        await reloads.settled()
        if (!(await crew.end(withinMs))) process.exitCode = 1
        await log.end()
        if (process.exitCode) process.exit()
      },
    )
  }
}
