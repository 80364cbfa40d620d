// What the audit costs. First the steps of one event in this process, by its CPU: built, and linked to a chain,
// beside the hash over its line, which is the least that a chain costs. Then a proxied read of two brokers, one
// with an audit in a file and one without, by what the kernel says their processes have run, in many short turns.
//   node bench/audit.ts [--requests 4000] [--rounds 40]

import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { startSandbox } from '../sandbox/sandbox.ts'
import { createCallEvents } from '../src/audit/call-event.ts'
import { linkLine, START } from '../src/audit/chain.ts'
import { openFileSink } from '../src/audit/file-sink.ts'
import { createRecording } from '../src/audit/recording.ts'
import { deriveSealKeys } from '../src/audit/seal-keys.ts'
import { createSealer, createSealJudge } from '../src/audit/seals.ts'
import { makeKeyRing } from '../src/keys.ts'
import { buildSigningKeySet } from '../src/signing-keys.ts'
import { logIn } from '../test/flow/login.ts'
import { type Broker, createBroker, makeFolder } from '../test/world/broker.ts'
import { createBrowser } from '../test/world/browser.ts'
import { findPort } from '../test/world/port.ts'
import { medianOf } from './measure.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '40' },
  },
})
const requests = Number(values.requests)
const rounds = Number(values.rounds)
const GOAL_MICROS = 8
const WARM_UP = 8
const CONNECTIONS = 16
/** Longer than events are gathered. */
const LEFT_MS = 250
const STEPS = 20_000
const GROUPS = [1, 10, 100, 1_000]

measureSteps()
await measureGroups()
if (rounds > 0) await measureCalls()

function measureSteps(): void {
  const iss = 'https://ehr.example.org/fhir/r4'
  const build = createCallEvents({
    ...{ publicUrl: 'https://app.example.org', now: Date.now },
    ehrs: [{ id: 'general', iss, clientId: 'our-app' }],
    parameters: { hashKey: Buffer.alloc(32, 7) },
  })
  const whose = {
    identity: { iss: 'https://ehr.example.org', sub: 'u1', fhirUser: `${iss}/Practitioner/7` },
    context: { patient: 'amy-shaw' },
  }
  for (const target of [
    '/Patient/amy-shaw',
    '/Observation?category=vital-signs&_count=50&_sort=date',
  ]) {
    const [path = '', query = ''] = target.split('?')
    const call = {
      ...{ ehr: 'general', session: 'AbCdEf012345', whose },
      ...{
        asked: { method: 'GET', target: { path, query } },
        caller: '192.0.2.7',
        requestId: 'x-1',
      },
    }
    const make = () => build(call, { outcome: '0' })
    const event = make()
    let head = START
    const turns = Array.from({ length: 15 }, () => ({
      built: cpuOf(make),
      linked: cpuOf(() => {
        head = linkLine(head, event).head
      }),
      floor: cpuOf(() => hash('sha256', event)),
    })).slice(5)
    const [built, linked, floor] = (['built', 'linked', 'floor'] as const).map(name =>
      medianOf(turns.map(turn => turn[name])),
    ) as [number, number, number]
    const ratio = medianOf(turns.map(turn => (turn.built + turn.linked) / turn.floor))
    console.log(
      `${target}: ${event.length} bytes, built ${built.toFixed(1)} µs, linked ${linked.toFixed(1)} µs: ${ratio.toFixed(1)} × the hash of its line (${floor.toFixed(1)} µs)`,
    )
  }
}

/** CPU of this process for one step, in microseconds. */
function cpuOf(step: () => unknown): number {
  const before = process.cpuUsage()
  for (let i = 0; i < STEPS; i++) step()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / STEPS
}

async function measureCalls(): Promise<void> {
  const sandbox = await startSandbox({ port: 0, appUrl: 'http://localhost' })
  const folder = makeFolder()
  const path = join(tmpdir(), `fhirstorm-bench-audit-${process.pid}.ndjson`)
  const audits = { without: undefined, with: { sink: 'file', path, rotateBytes: 2 ** 30, keep: 1 } }
  const asked = { without: await begin(audits.without), with: await begin(audits.with) }
  const costs = { without: [] as number[], with: [] as number[] }
  try {
    for (let round = -WARM_UP; round < rounds; round++) {
      const names = ['without', 'with'] as const
      // Each goes first in every other round.
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const cost = await measureTurn(asked[name])
        if (round >= 0) costs[name].push(cost)
      }
    }
  } finally {
    for (const { broker, pool } of Object.values(asked)) {
      await pool.destroy()
      await broker.stop()
      await broker.close()
    }
    await sandbox.close()
  }
  const added = costs.with.map((cost, i) => cost - (costs.without[i] ?? cost))
  const ratios = costs.with.map((cost, i) => cost / (costs.without[i] ?? cost))
  const sorted = added.toSorted((a, b) => a - b)
  console.log(
    `a read without ${medianOf(costs.without).toFixed(1)} µs, with ${medianOf(costs.with).toFixed(1)} µs (medians)`,
  )
  console.log(
    `${medianOf(added).toFixed(1)} µs a call (goal: ${GOAL_MICROS}), half of the rounds between ${sorted.at(rounds / 4)?.toFixed(1)} and ${sorted.at((3 * rounds) / 4)?.toFixed(1)}; ${medianOf(ratios).toFixed(2)} × a read without`,
  )

  async function begin(audit: object | undefined) {
    const port = await findPort()
    const app = `http://localhost:${port}`
    const configure = (document: Record<string, unknown>) => void Object.assign(document, { audit })
    const broker = createBroker({ app, sandbox: sandbox.url, folder, configure })
    await broker.start()
    await sandbox.moveApp(app)
    const browser = createBrowser()
    const { id } = await logIn({ app, sandbox }, browser, 'amy-shaw')
    const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
    const headers = { cookie, 'sec-fetch-site': 'same-origin' }
    const pool = new Pool(app, { connections: CONNECTIONS })
    return { broker, pool, headers, path: `/sessions/${id}/fhir/Patient/amy-shaw` }
  }
}

interface Asked {
  broker: Broker
  pool: Pool
  headers: Record<string, string>
  path: string
}

/** CPU of a broker for one request, in microseconds. */
async function measureTurn({ broker, pool, headers, path }: Asked): Promise<number> {
  const before = readCpu(broker)
  let left = requests
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (left-- > 0) {
        const { statusCode, body } = await pool.request({ path, method: 'GET', headers })
        await body.dump()
        if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`)
      }
    }),
  )
  // What is still gathered and to be written is of this turn.
  await new Promise(done => setTimeout(done, LEFT_MS))
  return (readCpu(broker) - before) / 1e3 / requests
}

/** Nanoseconds that all threads of a broker have run: its own code, and what writes to the disk for it. */
function readCpu(broker: Broker): number {
  const tasks = `/proc/${broker.pid()}/task`
  const read = (task: string) =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
  return readdirSync(tasks).reduce((sum, task) => sum + read(task), 0)
}

/** What one group of events costs by what is in it: a write, a signature and a wait for the disk, and each event. */
async function measureGroups(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-bench-audit-'))
  const sealKeys = deriveSealKeys(makeKeyRing())
  const sink = await openFileSink({
    ...{ path: join(folder, 'audit.ndjson'), rotateBytes: 2 ** 30 },
    seal: createSealer(sealKeys),
    judge: createSealJudge(buildSigningKeySet(sealKeys).keys),
  })
  const onLost = (error: unknown) => {
    throw error
  }
  const { record, settle } = createRecording({ sink, failClosed: false, onLost })
  const event = JSON.stringify({ of: 'x'.repeat(2_250) })
  const told: string[] = []
  for (const size of GROUPS) {
    const groups = Array.from({ length: 20 })
    const before = process.cpuUsage()
    for (const _group of groups) {
      for (let i = 0; i < size; i++) record(event)
      await settle()
    }
    const { user, system } = process.cpuUsage(before)
    told.push(`${size}: ${((user + system) / groups.length / size).toFixed(1)} µs`)
  }
  await sink.close()
  rmSync(folder, { recursive: true, maxRetries: 10 })
  console.log(`recorded in a file, an event in a group of ${told.join(', ')}`)
}
