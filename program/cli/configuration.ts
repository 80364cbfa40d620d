// Finding and loading the configuration for a command: --config, FHIRSTORM_CONFIG or ./fhirstorm.yaml,
// with the environment and the command line laid over it; or these alone. Faults are printed, one a line,
// and end the command with status 2.

import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Environment, withOptions } from '../config/environment.ts'
import { type Config, ConfigError, loadConfig } from '../config/load.ts'
import type { CommandLine } from './command-line.ts'
import { readNamedFile } from './named-file.ts'
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
  try {
    return await judgeConfiguration(values)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    complain(`fhirstorm: the configuration is faulty\n${error.message}\n`)
    return undefined
  }
}

let readFiles: string[] = []

/** Every file that was read for the configuration the last time. */
export function listReadFiles(): readonly string[] {
  return readFiles
}

/** The configuration of a command line, read from its files and judged; rejects with ConfigError. */
export async function judgeConfiguration(values: CommandLine['values'] = {}): Promise<Config> {
  const { config: asked, ...options } = values
  const given = typeof asked === 'string' ? { FHIRSTORM_CONFIG: asked } : {}
  const env = withOptions({ ...process.env, ...given }, options)
  const path = await findConfigFile(env)
  const folder = path === undefined ? process.cwd() : dirname(path)
  readFiles = path === undefined ? [] : [path]
  const config = await loadConfig({
    file: path === undefined ? undefined : { name: path, ...(await readConfigFile(path)) },
    folder,
    env,
    readFile(name, kind) {
      readFiles.push(resolve(folder, name))
      return readNamedFile(resolve(folder, name), kind)
    },
  })
  return resolvePaths(config, folder)
}

// Every path of a configuration is relative to its folder.
function resolvePaths(config: Config, folder: string): Config {
  const { frontend, vault, internal, audit } = config
  const isSocket = internal !== undefined && 'socket' in internal
  return {
    ...config,
    internal: isSocket ? { socket: resolve(folder, internal.socket) } : internal,
    frontend: { ...frontend, static: frontend.static && resolve(folder, frontend.static) },
    vault: vault.kind === 'sqlite' ? { ...vault, path: resolve(folder, vault.path) } : vault,
    audit: audit && 'path' in audit ? { ...audit, path: resolve(folder, audit.path) } : audit,
  }
}

async function readConfigFile(path: string): Promise<{ text: string; mode: number }> {
  try {
    const { mode } = await stat(path)
    return { text: await readFile(path, 'utf8'), mode }
  } catch {
    throw new ConfigError([{ where: path, message: 'the file cannot be read' }])
  }
}
