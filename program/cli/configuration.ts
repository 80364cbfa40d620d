// Finding and loading the configuration for a command: --config, FHIRSTORM_CONFIG or ./fhirstorm.yaml,
// with the environment and the command line laid over it; or these alone. Faults are printed, one a line,
// and end the command with status 2.

import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Environment, withOptions } from '../config/environment.ts'
import { FileRefusal, type ReadFile } from '../config/files.ts'
import { type Config, ConfigError, type Judged, judgeConfig, wholeOf } from '../config/load.ts'
import type { CommandLine } from './command-line.ts'
import { type Looks, lookAt } from './file-looks.ts'
import { readNamedFile } from './named-file.ts'
import { openPatiently, readPatiently } from './patient-reading.ts'
import { complain } from './terminal.ts'

/** The file to read, or undefined where the environment alone describes the EHR. */
async function findConfigFile(env: Environment): Promise<string | undefined> {
  if (env.FHIRSTORM_CONFIG) return resolve(env.FHIRSTORM_CONFIG)
  const usual = resolve('fhirstorm.yaml')
  const isThere = await stat(usual).then(
    file => file.isFile(),
    () => false,
  )
  return isThere ? usual : undefined
}

/** The configuration of a command line, or undefined after its faults have been printed. */
export async function readConfiguration(
  values: CommandLine['values'],
): Promise<Config | undefined> {
  return (await readSnapshot(values))?.config
}

/** What a configuration was read from, as it was then: judged again anywhere else, it comes to the same. */
export interface ConfigSnapshot {
  file?: { name: string; text: string; mode: number }
  folder: string
  /** Text of each file that it names, by its path. */
  files: Readonly<Record<string, string>>
}

/** A configuration, and what it was read from. */
export interface ReadConfiguration extends Pick<Judged, 'placeOf'> {
  config: Config
  snapshot: ConfigSnapshot
}

/** As `readConfiguration`, with what it was read from. */
export async function readSnapshot(
  values: CommandLine['values'],
): Promise<ReadConfiguration | undefined> {
  try {
    return await takeSnapshot(values)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    tellFaults(error)
    return undefined
  }
}

/** Prints what is wrong with a configuration, one fault a line. */
export function tellFaults({ message }: ConfigError): void {
  complain(`fhirstorm: the configuration is faulty\n${message}\n`)
}

let readFiles: Looks = new Map()

/** Every file that was read for the configuration the last time, and how it looked then. */
export function listReadFiles(): Looks {
  return readFiles
}

/** The configuration of a command line, read from its files and judged; rejects with ConfigError. */
export async function judgeConfiguration(values: CommandLine['values'] = {}): Promise<Config> {
  return (await takeSnapshot(values)).config
}

/** As `judgeConfiguration`, with what it was read from. */
export async function takeSnapshot(values: CommandLine['values']): Promise<ReadConfiguration> {
  const { judged, snapshot } = await judgeFiles(values)
  return { config: wholeOf(judged), snapshot, placeOf: judged.placeOf }
}

/** What is sound of the configuration of a command line, and what is not. */
export async function judgeParts(values: CommandLine['values']): Promise<Judged> {
  try {
    return (await judgeFiles(values)).judged
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { sound: {}, faults: error.faults, placeOf: () => 'configuration' }
  }
}

async function judgeFiles(
  values: CommandLine['values'],
): Promise<{ judged: Judged; snapshot: ConfigSnapshot }> {
  const path = await findConfigFile(readEnvironment(values))
  const folder = path === undefined ? process.cwd() : dirname(path)
  // Looked at before it is read: what changes in between, or later, is seen by whoever compares.
  const looks = new Map<string, string>()
  const look = async (name: string) => {
    if (!looks.has(name)) looks.set(name, await lookAt(name))
  }
  if (path !== undefined) await look(path)
  readFiles = looks
  const file = path === undefined ? undefined : { name: path, ...(await readConfigFile(path)) }
  const files: Record<string, string> = {}
  const judged = await judge(values, { file, folder }, async (name, kind) => {
    await look(name)
    files[name] = await readNamedFile(name, kind)
    return files[name]
  })
  return { judged, snapshot: { file, folder, files } }
}

/** The configuration that a snapshot comes to, with this command line; rejects with ConfigError. */
export async function judgeSnapshot(
  { files, ...source }: ConfigSnapshot,
  values: CommandLine['values'],
): Promise<Config> {
  const judged = await judge(values, source, async name => {
    const text = files[name]
    if (text === undefined) throw new FileRefusal('the file was not read')
    return text
  })
  return wholeOf(judged)
}

async function judge(
  values: CommandLine['values'],
  { file, folder }: Omit<ConfigSnapshot, 'files'>,
  readFile: ReadFile,
): Promise<Judged> {
  const env = readEnvironment(values)
  const judged = await judgeConfig({
    ...{ file, folder, env },
    readFile: (name, kind) => readFile(resolve(folder, name), kind),
  })
  return { ...judged, sound: resolvePaths(judged.sound, folder) }
}

function readEnvironment({ config, ...options }: CommandLine['values']): Environment {
  const given = typeof config === 'string' ? { FHIRSTORM_CONFIG: config } : {}
  return withOptions({ ...process.env, ...given }, options)
}

// Every path of a configuration is relative to its folder.
function resolvePaths(config: Partial<Config>, folder: string): Partial<Config> {
  const { frontend, vault, internal, audit } = config
  const isSocket = internal !== undefined && 'socket' in internal
  const root = frontend?.static
  return {
    ...config,
    internal: isSocket ? { socket: resolve(folder, internal.socket) } : internal,
    frontend: frontend && { ...frontend, static: root && resolve(folder, root) },
    vault: vault?.kind === 'sqlite' ? { ...vault, path: resolve(folder, vault.path) } : vault,
    audit: audit && 'path' in audit ? { ...audit, path: resolve(folder, audit.path) } : audit,
  }
}

async function readConfigFile(path: string): Promise<{ text: string; mode: number }> {
  try {
    const file = await openPatiently(path)
    try {
      const { mode } = await file.stat()
      return { text: await readPatiently(file), mode }
    } finally {
      await file.close()
    }
  } catch (error) {
    const message = error instanceof FileRefusal ? error.message : 'the file cannot be read'
    throw new ConfigError([{ where: path, message }])
  }
}
