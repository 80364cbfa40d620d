// What a history is made in: processes of the product over one store behind one public port, an EHR that
// tells which refresh tokens it is sent and answers as slowly as it is told to.

import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { Face, TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Broker, createBroker, makeFolder } from '../world/broker.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { findPort } from '../world/port.ts'
import { startBalancer } from './balancer.ts'
import type { Entry, Renewal } from './history.ts'
import { type Store, type StoreKind, startStore } from './stores.ts'

export interface HistoryWorld {
  app: string
  sandbox: Sandbox
  ports: number[]
  brokers: Broker[]
  /** Numbers of the processes that are neither killed nor stopped. */
  up: Set<number>
  store: Store
  /** Milliseconds by which the EHR answers later. */
  ehr: { delayMs: number }
  close(): Promise<void>
}

/** The EHR's name in the world. */
export const EHR = 'watched'

/** Starts so many processes; what the EHR is sent goes to `record`. */
export async function startWorld(
  kind: StoreKind,
  count: number,
  record: (entry: Entry) => void,
): Promise<HistoryWorld> {
  const [publicPort = 0, ...ports] = await Promise.all(Array.from({ length: count + 1 }, findPort))
  const app = `http://localhost:${publicPort}`
  const ehr = { delayMs: 0 }
  const store = await startStore(kind, count)
  const sandbox = await startSandbox({
    ...{ port: 0, appUrl: app, faces: [buildFace(ehr, record)], ehrIds: ehrIdsWith(EHR) },
  })
  const folder = makeFolder()
  const brokers = ports.map((port, process) =>
    createBroker({
      ...{ app, sandbox: sandbox.url, folder, port },
      configure(document) {
        registerFaces(document, sandbox.url, [EHR])
        store.configure(document, process)
      },
    }),
  )
  const up = new Set(ports.keys())
  const balancer = await startBalancer(publicPort, () => {
    const choices = up.size > 0 ? [...up] : [0]
    return ports[choices[Math.floor(Math.random() * choices.length)] as number] as number
  })
  const close = async () => {
    await balancer.close()
    await Promise.allSettled(brokers.map(broker => broker.close()))
    await sandbox.close()
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    for (const broker of brokers) await broker.start()
  } catch (error) {
    await close()
    throw error
  }
  return { app, sandbox, ports, brokers, up, store, ehr, close }
}

function buildFace(ehr: { delayMs: number }, record: (entry: Entry) => void): Face {
  const underWay = new WeakMap<TokenCall, Renewal>()
  const late = () => new Promise(done => setTimeout(done, ehr.delayMs))
  return {
    name: EHR,
    about: 'Tells what it is sent.',
    beforeToken(call) {
      if (!call.refreshToken) return undefined
      const at = performance.now()
      const mark = createHash('sha256').update(call.refreshToken).digest('base64url').slice(0, 12)
      const renewal: Renewal = { kind: 'renewal', mark, start: at, end: at }
      underWay.set(call, renewal)
      record(renewal)
      return undefined
    },
    async token(body, call) {
      // The work is done, and nobody knows it yet: the worst moment to be killed.
      await late()
      const renewal = underWay.get(call)
      if (renewal) renewal.end = performance.now()
      return json(body)
    },
    async fhir(answer) {
      await late()
      return await answer()
    },
  }
}
