// Finding and loading the configuration for a command: --config, FHIRSTORM_CONFIG, ./fhirstorm.yaml,
// or the environment alone. Faults are printed, one a line, and end the command with status 2.

import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { describesEhr } from '../config/environment.ts'
import { type Config, ConfigError, loadConfig } from '../config/load.ts'
import { readNamedFile } from './named-file.ts'
import { complain } from './terminal.ts'

/** The file to read, or undefined where the environment alone describes the EHR. */
export async function findConfigFile(asked: string | undefined): Promise<string | undefined> {
  const named = asked ?? process.env.FHIRSTORM_CONFIG
  if (named !== undefined) return resolve(named)
  if (describesEhr(process.env)) return undefined
  const usual = resolve('fhirstorm.yaml')
  const there = await readFile(usual, 'utf8').catch(() => undefined)
  return there === undefined ? undefined : usual
}

/** The configuration, or undefined after its faults have been printed to standard error. */
export async function readConfiguration(asked: string | undefined): Promise<Config | undefined> {
  try {
    return await judgeConfiguration(asked)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    complain(`fhirstorm: the configuration is faulty\n${error.message}\n`)
    return undefined
  }
}

/** The configuration, read from its files and judged; rejects with ConfigError. */
export async function judgeConfiguration(asked: string | undefined): Promise<Config> {
  const path = await findConfigFile(asked)
  const folder = path === undefined ? process.cwd() : dirname(path)
  const config = await loadConfig({
    file: path === undefined ? undefined : { name: path, ...(await readConfigFile(path)) },
    folder,
    env: process.env,
    readFile: (name, kind) => readNamedFile(resolve(folder, name), kind),
  })
  return resolvePaths(config, folder)
}

// Every path of a configuration is relative to its folder.
function resolvePaths(config: Config, folder: string): Config {
  const { frontend, vault } = config
  return {
    ...config,
    frontend: { ...frontend, static: frontend.static && resolve(folder, frontend.static) },
    vault: vault.kind === 'sqlite' ? { ...vault, path: resolve(folder, vault.path) } : vault,
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

/** The options that commands share; anything else on the line is refused by the caller. */
export function parseCommandLine(args: string[], flags: readonly string[] = []) {
  const options = {
    config: { type: 'string' as const },
    ...Object.fromEntries(flags.map(flag => [flag, { type: 'boolean' as const }])),
  }
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  return { values: values as Record<string, string | boolean | undefined>, positionals }
}
