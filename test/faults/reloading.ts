// A running service beside its sandbox EHR, whose configuration and files a test changes while it runs.

import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Sandbox, SandboxOptions } from '../../sandbox/sandbox.ts'
import { type Broker, makeFolder } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { startProcessWorld } from '../world/process-world.ts'
import type { ConfigDocument } from '../world/world.ts'

export interface Reloading {
  app: string
  /** Folder of the configuration, the keys and the vault. */
  folder: string
  sandbox: Sandbox
  broker: Broker
  /** Everything that the service has written. */
  output(): string
  /** The configuration as it stands in its file. */
  read(): string
  /** Moves a file of this text (mode 0600) to its place, as agents do. */
  write(name: string, text: string): void
  /** Writes another configuration. */
  change(edit: (document: ConfigDocument) => void): void
  /** Writes this text as the configuration. */
  restore(text: string): void
  /** `POST /reload` on the admin listener, which may have moved. */
  reload(adminPort?: number): Promise<{ status: number; text: string }>
  adminPort: number
  /** Names of the EHRs as the service says them. */
  names(): Promise<string[]>
  descriptors(): number
  close(): Promise<void>
}

export interface ReloadingOptions {
  /** Puts files into the folder before the service starts. */
  prepare?: (folder: string) => Promise<void>
  configure?: (document: ConfigDocument, places: { folder: string; sandbox: string }) => void
  sandbox?: Partial<SandboxOptions>
  env?: (folder: string) => Record<string, string>
  scheme?: 'http' | 'https'
  /** What is started instead of the product's own command. */
  program?: string
}

/** Starts both; `close` ends them. */
export async function startReloading(options: ReloadingOptions = {}): Promise<Reloading> {
  const { configure, env, scheme, program } = options
  const folder = makeFolder()
  await options.prepare?.(folder)
  const world = await startProcessWorld({
    ...{ folder, scheme, program, env: env?.(folder) },
    sandbox: { ehrIds: ['general', 'second'], ...options.sandbox },
    configure(document, sandbox) {
      document.log = { level: 'info' }
      configure?.(document, { folder, sandbox })
    },
  })
  const { app, sandbox, broker } = world
  const adminPort = Number(new URL(world.admin).port)
  const file = basename(world.file)
  const read = () => readFileSync(world.file, 'utf8')
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  return {
    ...{ app, folder, sandbox, broker, adminPort, read, write },
    output: () => broker.output.join(''),
    restore: text => write(file, text),
    change(edit) {
      const document = parse(read()) as ConfigDocument
      edit(document)
      write(file, stringify(document))
    },
    async reload(at = adminPort) {
      const answer = await fetch(`http://127.0.0.1:${at}/reload`, { method: 'POST' })
      return { status: answer.status, text: await answer.text() }
    },
    async names() {
      const { text } = await createBrowser().fetch(`${app}/ehrs`)
      return (JSON.parse(text) as { name: string }[]).map(({ name }) => name)
    },
    descriptors: () => readdirSync(`/proc/${broker.pid()}/fd`).length,
    async close() {
      await world.close()
      removeFolder(folder)
    },
  }
}
