// `fhirstorm start`: reads the configuration, opens the vault, listens, reads the configuration anew on SIGHUP,
// and drains on SIGTERM; with `processes` it leads so many workers that do. Refuses to start with a faulty
// configuration (status 2) or without its vault or ports (status 1).

import { availableParallelism } from 'node:os'
import { createReloads, type Reloads } from '../reloads.ts'
import { type CommandLine, configurationOptions, readCommandLine } from './command-line.ts'
import {
  listReadFiles,
  type ReadConfiguration,
  readSnapshot,
  takeSnapshot,
} from './configuration.ts'
import { lead } from './lead.ts'
import { findNodeFault } from './node-options.ts'
import { run } from './run.ts'
import { complain } from './terminal.ts'
import { watchFiles } from './watched-files.ts'

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
  --processes N      so many workers, or auto: one for each core (processes)
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
  const read = await readSnapshot(line.values)
  if (!read) return 2
  const { processes } = read.config
  const count = processes === 'auto' ? availableParallelism() : processes
  const refusal = count > 1 ? await lead(read, line.values, count) : await serve(read, line.values)
  return refusal === undefined ? undefined : refuse(refusal.message, refusal.status)
}

async function serve({ config }: ReadConfiguration, values: CommandLine['values']) {
  let reloads: Reloads | undefined
  let stopWatching: (() => void) | undefined
  const reload = (changed?: readonly string[]) => (reloads as Reloads).reload(changed)
  const running = await run(config, {
    reload: () => reload(),
    onConfig({ watch }) {
      if (!watch) stopWatching = void stopWatching?.()
      else stopWatching ??= watchFiles(listReadFiles, reload)
    },
    onEnding: () => stopWatching?.(),
  })
  if (typeof running === 'string') return { message: running, status: 1 }
  const { logger, service } = running
  reloads = createReloads({
    ...{ logger, read: () => takeSnapshot(values) },
    prepare: next => service.prepare(next.config),
    onOutcome: service.noteReload,
  })
  process.on('SIGHUP', () => void reload())
  process.on('SIGUSR2', () => logger.warn('a rolling restart takes several processes'))
  return undefined
}

function refuse(message: string, status: number): number {
  complain(`fhirstorm: ${message}\n`)
  return status
}
