// Everything that is measured: fhirstorm on both vaults, and its peers on the same work. A peer that is
// not installed is left out, and said to be.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isApacheInstalled, startApache } from './apache.ts'
import { startFhirstorm } from './fhirstorm.ts'
import { logIn } from './login.ts'
import { startLimit } from './nginx.ts'
import { client, type Op } from './op.ts'
import { isInstalled, type Running, startProcess } from './processes.ts'

/** What is asked for. */
export type Work = '2 KB' | '60 KB' | '60 KB rewritten' | '5 MB'

export interface Target {
  name: string
  pid: number
  headers: Record<string, string>
  /** Undefined for work that this target does not do. */
  urlOf(work: Work): string | undefined
  stop(): Promise<void>
}

export interface Peer {
  name: string
  /** What to install; undefined when it is there. */
  missing: string | undefined
  start(): Promise<Target>
}

export interface Place {
  folder: string
  upstream: number
  op: Op
  redisPort: number
  nodeOptions: string[]
}

const CORE = 0
const paths: Record<Work, string> = {
  '2 KB': '/Patient/1',
  '60 KB': '/Observation',
  '60 KB rewritten': '/Observation',
  '5 MB': '/Large',
}

/** Lists the targets in the order of the tables; nginx is the limit that all are compared with. */
export function listPeers(place: Place): Peer[] {
  const { folder, upstream, op, redisPort } = place
  const redis = isInstalled('redis-server') ? undefined : 'redis-server (Debian)'
  const apache = isApacheInstalled() ? undefined : 'apache2 libapache2-mod-auth-openidc (Debian)'
  const modules = existsSync(join(import.meta.dirname, 'node_modules/express'))
  const packages = modules ? undefined : 'npm ci --prefix bench'
  return [
    {
      name: 'nginx (limit)',
      missing: undefined,
      start: async () => {
        const running = await startLimit(folder, {
          port: 18_090,
          core: CORE,
          upstream,
          token: op.token,
        })
        return describe('nginx (limit)', running, 18_090)
      },
    },
    { name: 'fhirstorm, SQLite', missing: undefined, start: () => startOurs(place, 18_091) },
    {
      name: 'fhirstorm, Redis',
      missing: redis,
      start: () => startOurs(place, 18_092, `redis://127.0.0.1:${redisPort}`),
    },
    {
      name: 'mod_auth_openidc, shm',
      missing: apache,
      start: () => startApacheTarget(place, 18_093),
    },
    {
      name: 'mod_auth_openidc, Redis',
      missing: apache ?? redis,
      start: () => startApacheTarget(place, 18_094, `127.0.0.1:${redisPort}`),
    },
    {
      name: 'node:http + undici (floor)',
      missing: undefined,
      start: () => startFloor(place, 18_098),
    },
    { name: '@fastify/http-proxy', missing: packages, start: () => startHttpProxy(place, 18_095) },
    { name: 'express-openid-connect', missing: packages, start: () => startExpress(place, 18_096) },
  ]
}

function describe(
  name: string,
  running: Running,
  port: number,
  headers: Record<string, string> = {},
): Target {
  return {
    ...running,
    name,
    headers,
    urlOf: work =>
      work === '60 KB rewritten' ? undefined : `http://127.0.0.1:${port}/fhir${paths[work]}`,
  }
}

async function startOurs(
  { folder, upstream, op, nodeOptions }: Place,
  port: number,
  redisUrl?: string,
): Promise<Target> {
  const target = await startFhirstorm({
    ...{ folder, port, upstream, redisUrl, nodeOptions },
    core: CORE,
    op: op.origin,
  })
  return {
    name: redisUrl ? 'fhirstorm, Redis' : 'fhirstorm, SQLite',
    pid: target.pid,
    headers: { cookie: target.cookie },
    // Small reads as they come out of the box: with rewriting.
    urlOf: work =>
      (work.includes('2 KB') || work.includes('rewritten') ? target.rewritten : target.plain) +
      paths[work],
    stop: target.stop,
  }
}

async function startApacheTarget(
  { folder, upstream, op }: Place,
  port: number,
  redis?: string,
): Promise<Target> {
  const running = await startApache({ folder, port, core: CORE, upstream, op: op.origin, redis })
  const { cookie } = await logIn(`http://127.0.0.1:${port}/fhir/Patient/1`)
  const name = redis ? 'mod_auth_openidc, Redis' : 'mod_auth_openidc, shm'
  return describe(name, running, port, { cookie })
}

async function startFloor({ upstream, op }: Place, port: number): Promise<Target> {
  const env = { UPSTREAM: `http://127.0.0.1:${upstream}`, TOKEN: op.token }
  return describe('node:http + undici (floor)', await startNode('floor.js', port, env), port)
}

async function startHttpProxy({ upstream, op }: Place, port: number): Promise<Target> {
  const env = { UPSTREAM: `http://127.0.0.1:${upstream}`, TOKEN: op.token }
  return describe('@fastify/http-proxy', await startNode('http-proxy.js', port, env), port)
}

async function startExpress({ upstream, op }: Place, port: number): Promise<Target> {
  const running = await startNode('express.js', port, {
    UPSTREAM: `http://127.0.0.1:${upstream}`,
    ISSUER: op.origin,
    CLIENT_ID: client.id,
    CLIENT_SECRET: client.secret,
  })
  const { cookie } = await logIn(`http://127.0.0.1:${port}/fhir/Patient/1`)
  return describe('express-openid-connect', running, port, { cookie })
}

async function startNode(
  file: string,
  port: number,
  env: Record<string, string>,
): Promise<Running> {
  return await startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, 'servers', file)],
    env: { ...env, PORT: String(port), NODE_ENV: 'production' },
    port,
    core: CORE,
  })
}
