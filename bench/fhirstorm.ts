// fhirstorm itself, as an operator would start it: configuration, keys, vault, everything on. Two
// registrations of the one EHR, with and without rewriting, and a real login at each.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { makeKeyRing, printKeyRing } from '../src/keys.ts'
import { logIn } from './login.ts'
import { client } from './op.ts'
import { type Running, startProcess } from './processes.ts'

export interface FhirstormOptions {
  folder: string
  port: number
  core: number
  upstream: number
  op: string
  /** SQLite without. */
  redisUrl?: string
  /** How many processes serve; 1 unless told. */
  processes?: number
  /** Node's own options, for a profile. */
  nodeOptions?: string[]
  verbose?: boolean
  /** Gets the folder with the keys, before the vault is opened. */
  beforeStart?: (folder: string) => Promise<void>
}

export interface FhirstormTarget extends Running {
  cookie: string
  /** FHIR base URLs of the two sessions. */
  plain: string
  rewritten: string
}

/** Starts fhirstorm and logs in at both registrations with one browser. */
export async function startFhirstorm(options: FhirstormOptions): Promise<FhirstormTarget> {
  const {
    folder,
    port,
    core,
    upstream,
    op,
    redisUrl,
    processes = 1,
    nodeOptions = [],
    verbose,
    beforeStart,
  } = options
  const root = join(folder, `fhirstorm-${redisUrl ? 'redis' : 'sqlite'}-${port}`)
  mkdirSync(root, { recursive: true })
  const publicUrl = `http://127.0.0.1:${port}`
  const keysFile = join(root, 'keys.json')
  writeFileSync(keysFile, printKeyRing(makeKeyRing(Date.now(), randomBytes)), { mode: 0o600 })
  await beforeStart?.(root)
  const registration = (id: string, rewrite: boolean) => ({
    id,
    name: id,
    iss: `http://127.0.0.1:${upstream}/fhir`,
    clientId: client.id,
    clientAuth: { method: 'client_secret_basic', secret: client.secret },
    scope: 'openid profile launch/patient patient/*.rs',
    origins: [op],
    issuers: [op],
    rewrite,
  })
  const file = join(root, 'fhirstorm.yaml')
  writeFileSync(
    file,
    stringify({
      publicUrl,
      listen: { host: '127.0.0.1', port },
      processes,
      keysFile,
      vault: redisUrl
        ? { kind: 'redis', url: redisUrl }
        : { kind: 'sqlite', path: join(root, 'vault.db') },
      ehrs: [registration('plain', false), registration('rewritten', true)],
    }),
    { mode: 0o600 },
  )
  // As the image starts it: the compiled program, under the options of `npm start`.
  const main = join(import.meta.dirname, '../dist/program/main.js')
  const running = await startProcess({
    command: process.execPath,
    args: [...readStartOptions(), ...nodeOptions, main, 'start', '--config', file],
    env: { NODE_ENV: 'production' },
    ...{ port, core, verbose },
  })
  const plain = await logIn(`${publicUrl}/login?ehr=plain`)
  const rewritten = await logIn(`${publicUrl}/login?ehr=rewritten`)
  const baseOf = (url: string) =>
    `${publicUrl}/sessions/${new URL(url).searchParams.get('session')}/fhir`
  return {
    ...running,
    cookie: `${plain.cookie}; ${rewritten.cookie}`,
    plain: baseOf(plain.url),
    rewritten: baseOf(rewritten.url),
  }
}

function readStartOptions(): string[] {
  const file = join(import.meta.dirname, '../package.json')
  const { scripts } = JSON.parse(readFileSync(file, 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter(word => word.startsWith('--'))
}
