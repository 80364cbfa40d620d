// What a history is made in: processes of the product on two machines over one store, and an EHR that
// tells which refresh tokens it is sent and answers as slowly as it is told to. A machine has a folder, a
// line to the store and a clock of its own; those of one SQLite file are one machine.

import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Pool } from 'undici'
import { type Broker, createBroker, makeFolder } from '../world/broker.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { type QuickEhr, startQuickEhr } from '../world/quick-ehr.ts'
import { connectTo, type Processes } from '../world/quick-user.ts'
import type { Entry, Renewal } from './history.ts'
import { type Store, type StoreKind, startStore } from './stores.ts'

export interface HistoryWorld extends Processes {
  brokers: readonly Broker[]
  pools: readonly Pool[]
  ehr: QuickEhr
  /** Numbers of the processes of each machine. */
  machines: readonly (readonly number[])[]
  /** Numbers of the processes that are neither killed nor stopped. */
  up: Set<number>
  store: Store
  /** Milliseconds by which the EHR answers later. */
  lateness: { ms: number }
  close(): Promise<void>
}

const MACHINES = 2
/** By which the clock of each machine is ahead of the one before. */
const SKEW_MS = 4_000
/** By which a clock jumps, and jumps back the next time. */
const JUMP_MS = 45_000

/** Starts so many processes; what the EHR is sent goes to `record`. */
export async function startWorld(
  kind: StoreKind,
  count: number,
  record: (entry: Entry) => void,
): Promise<HistoryWorld> {
  const ports = await Promise.all(Array.from({ length: count }, findPort))
  const app = `http://localhost:${ports[0]}`
  const lateness = { ms: 0 }
  const store = await startStore(kind, MACHINES)
  const ehr = await startQuickEhr({
    onRefresh: token => noteRefresh(token, record),
    delay: async () => (lateness.ms > 0 ? await pause(lateness.ms) : undefined),
  })
  const folders = makeFolders(store)
  const machineOf = (process: number) => process % store.machines
  const brokers = ports.map((port, process) =>
    createBroker({
      ...{ app, sandbox: ehr.origin, port, env: buildClock(machineOf(process)) },
      folder: folders[machineOf(process)],
      configure(document) {
        document.ehrs = [ehr.registration]
        document.trustedProxies = ['127.0.0.1']
        store.configure(document, machineOf(process))
      },
    }),
  )
  const pools = ports.map(connectTo)
  const close = async () => {
    await Promise.allSettled(pools.map(pool => pool.destroy()))
    await Promise.allSettled(brokers.map(broker => broker.close()))
    await ehr.close()
    await store.close()
    for (const folder of folders) removeFolder(folder)
  }
  try {
    await Promise.all(brokers.map(broker => broker.start()))
  } catch (error) {
    await close()
    throw error
  }
  const machines = Array.from({ length: store.machines }, (_, machine) =>
    [...ports.keys()].filter(process => machineOf(process) === machine),
  )
  return { app, pools, brokers, ehr, machines, up: new Set(ports.keys()), store, lateness, close }
}

/** A folder for each machine, with the same keys. */
function makeFolders({ folder: own, machines }: Store): string[] {
  const [first, ...others] = Array.from({ length: machines }, (_, machine) =>
    machine === 0 ? (own ?? makeFolder()) : mkdtempSync(join(tmpdir(), 'fhirstorm-broker-')),
  )
  for (const other of others)
    copyFileSync(join(first as string, 'keys.json'), join(other, 'keys.json'))
  return [first as string, ...others]
}

function buildClock(machine: number): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${pathToFileURL('test/faults/skewed-clock.ts').href}`,
    CLOCK_SKEW_MS: `${machine * SKEW_MS}`,
    CLOCK_JUMP_MS: `${JUMP_MS}`,
    CLOCK_RETURNS: 'true',
  }
}

function noteRefresh(token: string, record: (entry: Entry) => void): () => void {
  const at = performance.now()
  const mark = createHash('sha256').update(token).digest('base64url').slice(0, 12)
  const renewal: Renewal = { kind: 'renewal', mark, start: at, end: at }
  record(renewal)
  return () => {
    renewal.end = performance.now()
  }
}
