// npm run bench:processes: what a request costs so many workers on one port, beside one process, and beside as many
// processes that know nothing of each other, in the same run. All are pinned to one core, so that work is compared
// and not room; turns are short and many, and ratios are taken within a round.
//   --processes N   workers (2)
//   --rounds N      rounds (25)

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeDocuments } from './documents.ts'
import { startFhirstorm } from './fhirstorm.ts'
import { type Load, runLoad } from './load.ts'
import { medianOf, verifyTarget } from './measure.ts'
import { startUpstream } from './nginx.ts'
import { startOp } from './op.ts'
import { cpuMicros, pinSelf, residentMiB } from './processes.ts'

const [UPSTREAM_PORT, OP_PORT, FIRST_PORT] = [18_084, 18_085, 18_096]
const [BROKER_CORE, LOAD_CORE] = [0, 1]
const CONNECTIONS = 32
const SECONDS = 0.6
/** For each process, until its code is compiled. */
const WARM_REQUESTS = 12_000

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '25' },
  },
})
const several = Number(values.processes)

interface Target {
  name: string
  /** Those that are started, without their workers. */
  pids: readonly number[]
  loads: readonly Pick<Load, 'url' | 'headers'>[]
  costs: number[]
}

pinSelf(LOAD_CORE)
const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-bench-'))
const started: { stop(): Promise<void> }[] = []
let nextPort = FIRST_PORT
try {
  const sizes = writeDocuments(folder, `http://127.0.0.1:${UPSTREAM_PORT}/fhir`)
  const op = await startOp(OP_PORT)
  started.push({ stop: async () => op.close() })
  const place = { folder, port: UPSTREAM_PORT, core: LOAD_CORE, op: op.origin }
  started.push(await startUpstream(place))
  const one = await start('one process', 1, 1)
  const crew = await start(`${several} workers`, 1, several)
  const apart = await start(`${several} processes apart`, several, 1)
  const targets = [one, crew, apart]
  console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`)
  for (const { loads } of targets) for (const load of loads) await verifyTarget(load, sizes.patient)
  await warm(one, 1)
  for (const target of [crew, apart]) await warm(target, several)

  for (let round = 0; round < Number(values.rounds); round++) {
    // Each goes first in its turn.
    for (let turn = 0; turn < targets.length; turn++) {
      const target = targets[(round + turn) % targets.length] as Target
      await ask(target, 0.2)
      const before = readCpu(target)
      const answers = await ask(target, SECONDS)
      target.costs.push((readCpu(target) - before) / answers)
    }
  }
  for (const { name, costs, pids } of targets) {
    const memory = pids.reduce((sum, pid) => sum + residentMiB(pid), 0)
    console.log(`${name}: ${medianOf(costs).toFixed(1)} µs a request, ${memory.toFixed(0)} MiB`)
  }
  tellRatio(crew, one)
  tellRatio(crew, apart)

  async function start(name: string, count: number, processes: number): Promise<Target> {
    const target = { name, pids: [] as number[], loads: [] as Target['loads'][number][], costs: [] }
    for (let i = 0; i < count; i++) {
      const running = await startFhirstorm({
        ...{ folder, op: op.origin, processes, upstream: UPSTREAM_PORT },
        ...{ port: nextPort++, core: BROKER_CORE },
      })
      started.push(running)
      target.pids.push(running.pid)
      const headers = { cookie: running.cookie }
      target.loads.push({ url: `${running.plain}/Patient/1`, headers })
    }
    return target
  }
} finally {
  for (const one of started.reverse()) await one.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}

async function warm(target: Target, processes: number): Promise<void> {
  for (let left = WARM_REQUESTS * processes; left > 0; ) left -= await ask(target, 1)
}

/** How many answers came in that time, over all connections. */
async function ask({ loads }: Target, seconds: number): Promise<number> {
  const connections = CONNECTIONS / loads.length
  const results = await Promise.all(loads.map(load => runLoad({ ...load, connections, seconds })))
  return results.reduce((sum, { answers }) => sum + answers, 0)
}

function readCpu({ pids }: Target): number {
  return pids.reduce((sum, pid) => sum + cpuMicros(pid), 0)
}

function tellRatio(target: Target, other: Target): void {
  const ratios = target.costs
    .map((cost, round) => cost / (other.costs[round] ?? cost))
    .toSorted((a, b) => a - b)
  const at = (share: number) => ratios[Math.floor(share * (ratios.length - 1))]?.toFixed(3)
  console.log(
    `${target.name} to ${other.name}: ${at(0.5)} in the middle, half of the rounds between ${at(0.25)} and ${at(0.75)}`,
  )
}
