// What a long run lives in: two processes over one Redis behind one public port, each with an audit file of its
// own, and an EHR that can be slow or away. The first process lives through everything; the second is restarted
// and killed.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Face } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type RedisServer, startRedis } from '../vault/redis-server.ts'
import { startBalancer } from '../world/balancer.ts'
import { type Broker, createBroker, makeFolder, startAll } from '../world/broker.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import type { ConfigDocument } from '../world/world.ts'

export interface SoakWorld {
  app: string
  sandbox: Sandbox
  redis: RedisServer
  brokers: readonly Broker[]
  /** Numbers of the processes that take new connections. */
  up: Set<number>
  ehr: { delayMs: number; isDown: boolean }
  /** Rewrites the configuration of a process, whole in one step. */
  change(process: number, edit: (document: ConfigDocument) => void): void
  /** The audit file of a process. */
  auditFile(process: number): string
  close(): Promise<void>
}

export const EHR = 'changeable'
const PROCESSES = [0, 1] as const

/** Starts the whole of it. */
export async function startWorld(): Promise<SoakWorld> {
  const [publicPort = 0, ...ports] = await Promise.all([findPort(), findPort(), findPort()])
  const app = `http://localhost:${publicPort}`
  const ehr = { delayMs: 0, isDown: false }
  const redis = await startRedis()
  const sandbox = await startSandbox({
    ...{ port: 0, appUrl: app, faces: [buildFace(ehr)], ehrIds: ehrIdsWith(EHR) },
  })
  const folder = makeFolder()
  const fileOf = (process: number) => join(folder, `fhirstorm-${ports[process]}.yaml`)
  const auditFile = (process: number) => join(folder, `audit-${process}.ndjson`)
  const brokers = PROCESSES.map(process =>
    createBroker({
      ...{ app, sandbox: sandbox.url, folder, port: ports[process] },
      configure(document) {
        registerFaces(document, sandbox.url, [EHR])
        document.vault = { kind: 'redis', url: redis.url }
        document.drainDelaySeconds = 1
        // All its browsers have one address, from which a fast machine logs in more often than one may.
        document.limits = {
          logins: {
            requestsPerAddress: 100_000,
            perAddress: 100_000,
            perEhr: 100_000,
            all: 100_000,
          },
        }
        document.log = { level: 'info' }
        document.audit = { sink: 'file', path: auditFile(process), failClosed: true }
      },
    }),
  )
  const up = new Set<number>(PROCESSES)
  const balancer = await startBalancer(publicPort, () => {
    const choices = [...up]
    return ports[choices[Math.floor(Math.random() * choices.length)] ?? 0] as number
  })
  const close = async () => {
    await balancer.close()
    await Promise.allSettled(brokers.map(broker => broker.close()))
    await sandbox.close()
    await redis.close()
    removeFolder(folder)
  }
  await startAll(brokers, close)
  return {
    ...{ app, sandbox, redis, brokers, up, ehr, auditFile, close },
    change(process, edit) {
      const file = fileOf(process)
      const document = parse(readFileSync(file, 'utf8')) as ConfigDocument
      edit(document)
      writeFileSync(`${file}.new`, stringify(document), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
  }
}

function buildFace(ehr: SoakWorld['ehr']): Face {
  const away = () =>
    ehr.isDown ? json({ error: 'temporarily_unavailable' }, { status: 503 }) : undefined
  const late = () => new Promise(done => setTimeout(done, ehr.delayMs))
  return {
    name: EHR,
    about: 'Is slow, or away, when it is told to be.',
    connection: () => (ehr.isDown ? { reused: 'reset' } : undefined),
    beforeToken: away,
    async fhir(answer) {
      await late()
      return away() ?? (await answer())
    },
  }
}
