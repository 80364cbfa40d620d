// A small world to test in: the real sandbox EHR and the real product, in this process, over real HTTP
// on two hosts that are two sites. The configuration goes the same way as an operator's.

import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { parse, stringify } from 'yaml'
import { serve } from '../../program/app.ts'
import { type Config, loadConfig } from '../../program/config/load.ts'
import { resolveLimits } from '../../program/limits.ts'
import { buildLoggerOptions } from '../../program/logging.ts'
import { type AppOptions, buildOptions } from '../../program/options.ts'
import { createServer } from '../../program/server.ts'
import { buildDemoConfig } from '../../sandbox/demo-config.ts'
import { publishDemo } from '../../sandbox/demo-site.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts'
import { buildKeyMarks, makeKeyRing, printKeyRing } from '../../src/keys.ts'
import type { ConnectionLimits } from '../../src/limits.ts'
import { openVault } from '../../src/vault/open.ts'
import { removeFolder } from './folder.ts'
import { findPort } from './port.ts'

export interface World {
  /** Public URL of the product, without a trailing slash. */
  app: string
  sandbox: Sandbox
  server: FastifyInstance
  /** The product's own scope, with its decorators. */
  product: FastifyInstance
  config: Config
  /** Everything that was logged. */
  log: string[]
  close(): Promise<void>
}

export interface WorldOptions {
  /** Laid over the demo's configuration document. */
  configure?: (document: ConfigDocument, sandboxUrl: string) => void
  sandbox?: Partial<SandboxOptions>
  /** Private JWKs of the key ring, for private_key_jwt. */
  clientKeys?: readonly object[]
  /** Files that the configuration names, besides its key ring. */
  files?: Readonly<Record<string, string>>
  /** Variables of the environment. */
  env?: Readonly<Record<string, string | undefined>>
  now?: () => number
  /** Changes the options of plugins that have no place in a configuration. */
  adjust?: (options: AppOptions) => void
  connections?: Partial<ConnectionLimits>
  /** Where audit events go. */
  auditSink?: NonNullable<AppOptions['audit']>['sink']
}

// biome-ignore lint/suspicious/noExplicitAny: a YAML document before it is judged
export type ConfigDocument = Record<string, any>

/** Starts the world; everything in it ends with `close`, and with a start that fails. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const app = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl: app, ...options.sandbox })
  try {
    return await createProduct(app, sandbox, options)
  } catch (error) {
    await sandbox.close()
    throw error
  }
}

async function createProduct(app: string, sandbox: Sandbox, options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-world-'))
  const config = await configure({ app, folder, sandboxUrl: sandbox.url }, options)
  await sandbox.moveApp(
    config.publicUrl,
    config.registrations.map(({ id }) => id),
  )
  const now = options.now ?? Date.now
  const { vault } = await openVault(config.vault, buildKeyMarks(config.keyRing), now)
  const { logger, log } = captureLog()
  const limits = { ...resolveLimits(config.limits).connections, ...options.connections }
  const server = createServer({
    ...{ logger, trustedProxies: config.trustedProxies, limits },
  })
  const contract = await readFile('openapi.yaml', 'utf8')
  const built = buildOptions(config, { vault, now, contract, auditSink: options.auditSink })
  options.adjust?.(built)
  // The first scope is the product's.
  let product: FastifyInstance | undefined
  server.addHook('onRegister', scope => {
    if (scope.prefix === built.prefix) product ??= scope
  })
  await serve(server, built)
  await server.listen({ host: 'localhost', port: Number(new URL(app).port) })
  return {
    app: config.publicUrl,
    sandbox,
    server,
    product: product ?? server,
    config,
    log,
    async close() {
      // First the EHR, so that no answer of it goes on.
      await sandbox.close()
      await server.close()
      removeFolder(folder)
    },
  }
}

async function configure(
  { app, folder, sandboxUrl }: { app: string; folder: string; sandboxUrl: string },
  options: WorldOptions,
): Promise<Config> {
  const { clientKeys = [], files = {}, env = {} } = options
  const ring = { ...makeKeyRing(Date.now(), randomBytes), clientKeys }
  const places = { app, sandbox: sandboxUrl, keysFile: 'keys.json', site: join(folder, 'site') }
  publishDemo(process.cwd(), places.site)
  const vault = join(folder, 'vault.db')
  const document = parse(buildDemoConfig({ ...places, vault })) as ConfigDocument
  options.configure?.(document, sandboxUrl)
  return await loadConfig({
    file: { name: 'fhirstorm.yaml', text: stringify(document) },
    env,
    readFile: async path => files[path] ?? printKeyRing(ring),
  })
}

function captureLog() {
  const log: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk))
      done()
    },
  })
  return { log, logger: pino(buildLoggerOptions('trace'), sink) }
}
