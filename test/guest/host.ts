// An app of somebody else with the whole product as its guest, and an EHR beside it.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { parse, stringify } from 'yaml'
import { fhirstorm } from '../../program/index.ts'
import { buildDemoConfig } from '../../sandbox/demo-config.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { makeFolder } from '../world/broker.ts'
import { findPort } from '../world/port.ts'

/** An app of somebody else that has the product as its guest. */
export interface Host {
  app: FastifyInstance
  origin: string
  /** Public URL of the guest. */
  guest: string
  sandbox: Sandbox
  log: string[]
}

export interface Setting {
  path?: string
  /** Of the guest's configuration, in place of the demo's. */
  settings?: object
  server?: FastifyServerOptions
  /** What the host has before its guest comes. */
  before?: (app: FastifyInstance) => unknown
  after?: (app: FastifyInstance) => unknown
}

/** Starts one beside a sandbox EHR of its own; both end with the test. */
export async function startHost(t: TestContext, setting: Setting = {}): Promise<Host> {
  const { path = '/bff', settings, server, before, after } = setting
  const port = await findPort()
  const origin = `http://localhost:${port}`
  const guest = origin + path
  const sandbox = await startSandbox({ port: 0, appUrl: guest })
  const log: string[] = []
  const stream = new Writable({
    write(line, _encoding, done) {
      log.push(String(line))
      done()
    },
  })
  const app = fastify({ logger: { level: 'trace', stream }, ...server })
  t.after(async () => {
    await sandbox.close()
    await app.close()
  })
  await before?.(app)
  const places = { keysFile: 'keys.json', vault: 'vault.db', site: 'site' }
  const document = parse(buildDemoConfig({ app: guest, sandbox: sandbox.url, ...places }))
  const config = join(makeFolder(), 'fhirstorm.yaml')
  writeFileSync(config, stringify({ ...document, frontend: {}, ...settings }), { mode: 0o600 })
  await app.register(fhirstorm, { config })
  await after?.(app)
  await app.listen({ port, host: 'localhost' })
  return { app, origin, guest, sandbox, log }
}
