// fhirstorm in an app of your own: the plugin that takes a configuration, and what makes its options by
// hand. Reads files and the environment as `fhirstorm start` does, and listens nowhere but for `admin`.

import type { FastifyInstance } from 'fastify'
import { buildKeyMarks } from '../src/keys.ts'
import { type OpenedVault, openVault as openChosenVault } from '../src/vault/open.ts'
import { fhirstorm as registerAll } from './app.ts'
import { openAuditSink } from './audit-sink.ts'
import { judgeConfiguration } from './cli/configuration.ts'
import { type Config, type ConfigSource, loadConfig as judgeSource } from './config/load.ts'
import { readContract } from './contract.ts'
import { type AppOptions, buildOptions } from './options.ts'
import { judgeEmbedding, judgePlace } from './terms.ts'

/** The product by its configuration; for `app.register(fhirstorm, …)`. */
export interface ConfiguredOptions {
  /**
   * Path of fhirstorm.yaml, or what `loadConfig` gave. `listen`, `trustedProxies` and `log` are the host's
   * own affair here.
   */
  config: string | Config
  /** Fastify's; without it the routes lie below the path of `publicUrl`. */
  prefix?: string
  /** Routes that the host has itself, by their plugin: see `AppOptions`. */
  leaveOut?: AppOptions['leaveOut']
}

/** What `app.register(fhirstorm, …)` takes: a configuration, or the options of every plugin. */
export type FhirstormOptions = ConfiguredOptions | AppOptions

/**
 * The whole product as one plugin, in a scope of its own below the path of `publicUrl`. With `config` it
 * reads the file, opens the vault and closes it with the app; with the options that `buildOptions` made,
 * all of that is the host's. Rejects with TypeError for other options, with ConfigError (every fault with
 * its place), with VaultRefusal where the vault cannot be used with these keys, with AuditRefusal where the
 * audit's files cannot go on, and where `prefix` is not the path of `publicUrl` or a broker is registered there
 * already. Then nothing of it stays open.
 */
export async function fhirstorm(app: FastifyInstance, options: FhirstormOptions): Promise<void> {
  judgeEmbedding(options)
  if (!('config' in options)) {
    await registerAll(app, options)
    return
  }
  const config =
    typeof options.config === 'string' ? await loadConfig(options.config) : options.config
  const path = new URL(config.publicUrl).pathname.replace(/\/$/, '')
  const isToScope = app.prefix === '' && path !== ''
  judgePlace(app, isToScope ? path : app.prefix, path)
  const contract = config.docs ? await readContract() : undefined
  const { vault, warnings } = await openVault(config)
  for (const warning of warnings) app.log.warn({ warning }, 'vault')
  const surroundings = { logger: app.log, append: writeLine }
  const auditSink = await openAuditSink(config, surroundings).catch(async (error: unknown) => {
    // No plugin has it yet that would close it with the app.
    await vault.close()
    throw error
  })
  const built = buildOptions(config, { vault, auditSink, contract })
  // Before all others, and so the last to run: what ends while the app closes is recorded, too.
  app.addHook('onClose', async () => {
    await auditSink?.close()
  })
  if (options.leaveOut) built.leaveOut = options.leaveOut
  if (isToScope) await app.register(registerAll, built)
  else await registerAll(app, built)
}

/**
 * The configuration, judged as a whole. A path is read as `fhirstorm start --config` reads it, with the
 * files that it names; without one FHIRSTORM_CONFIG, the variables of a single EHR, or ./fhirstorm.yaml
 * are taken. A `ConfigSource` brings text, environment and files itself. Rejects with ConfigError, which
 * has every fault and its place.
 */
export async function loadConfig(from?: string | ConfigSource): Promise<Config> {
  return typeof from === 'object'
    ? await judgeSource(from)
    : await judgeConfiguration({ config: from })
}

/**
 * Opens the vault of a configuration, on this machine's clock. Rejects with VaultRefusal where it was last
 * used with other keys, or cannot be used at all. The plugin `vault` closes it with the app.
 */
export async function openVault({
  vault,
  keyRing,
}: Pick<Config, 'vault' | 'keyRing'>): Promise<OpenedVault> {
  const steady = () => performance.now()
  return await openChosenVault(vault, buildKeyMarks(keyRing), Date.now, steady)
}

/** To standard output, which is the host's. */
function writeLine(line: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(line, error => (error ? fail(error) : done()))
  })
}
