// npm run bench: what fhirstorm costs per request, beside its peers on the same work in the same run.
//   --quick         2 KB and 60 KB, fhirstorm, nginx, http-proxy and what else is there; under a minute
//   --work NAME     only this kind of work, as '2 KB'
//   --rounds N      rounds of all targets in turn, of which the medians are told (9, quick 3)
//   --json FILE     every figure and ratio
//   --profile DIR   CPU profiles of fhirstorm

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeDocuments, writeGigabyte } from './documents.ts'
import { runLoad } from './load.ts'
import { measure, medianOf, type Sample, verifyTarget } from './measure.ts'
import { growthWhileReading } from './memory.ts'
import { startUpstream } from './nginx.ts'
import { startOp } from './op.ts'
import { isInstalled, pinSelf, type Running, startProcess } from './processes.ts'
import { computeRatios, printReport, type Results } from './report.ts'
import { measureBySessions } from './sessions.ts'
import { listPeers, type Place, type Target, type Work } from './targets.ts'

const UPSTREAM_PORT = 18_080
const OP_PORT = 18_081
const REDIS_PORT = 18_082
const LOAD_CORE = 1

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    work: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 3 : 9))
const quickWorks = new Set<Work>(['2 KB', '60 KB'])
const works = (['2 KB', '60 KB', '60 KB rewritten', '5 MB'] as const).filter(work =>
  values.work ? work === values.work : !values.quick || quickWorks.has(work),
)
/** Short rounds, and many: the machine's bad moments then meet all targets of a round alike. */
const seconds = values.quick ? 0.3 : 1
/** Until the code of a target is compiled. */
const warmSeconds = values.quick ? 0.8 : 4

if (!isInstalled('nginx')) {
  process.stderr.write('nginx serves the documents and is the limit: apt-get install nginx-light\n')
  process.exit(1)
}
pinSelf(LOAD_CORE)
const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-bench-'))
const started: { stop(): Promise<void> }[] = []
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void cleanUp().then(() => process.exit(1)))
}
try {
  const results = await run()
  process.stdout.write(printReport(results))
  if (values.json) {
    const everything = { ...results, ratios: computeRatios(results) }
    writeFileSync(values.json, `${JSON.stringify(everything, null, 2)}\n`)
  }
} finally {
  await cleanUp()
}

async function cleanUp(): Promise<void> {
  for (const one of started.splice(0).reverse()) await one.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}

async function run(): Promise<Results> {
  const base = `http://127.0.0.1:${UPSTREAM_PORT}/fhir`
  const sizes = writeDocuments(folder, base)
  if (!values.quick) writeGigabyte(folder, base)
  const op = await startOp(OP_PORT)
  started.push({ stop: async () => op.close() })
  const upstream = { folder, port: UPSTREAM_PORT, core: LOAD_CORE, op: op.origin }
  await keep(startUpstream(upstream))
  if (isInstalled('redis-server')) await keep(startRedis())
  const profile = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : []
  const place: Place = {
    ...{ folder, op },
    upstream: UPSTREAM_PORT,
    redisPort: REDIS_PORT,
    nodeOptions: profile,
  }
  const peers = listPeers(place)
  const missing = peers.flatMap(({ name, missing }) => (missing ? [[name, missing]] : []))
  const targets: Target[] = []
  for (const peer of peers) if (!peer.missing) targets.push(await keep(peer.start()))

  const length = {
    '2 KB': sizes.patient,
    '60 KB': sizes.bundle,
    '60 KB rewritten': sizes.bundle,
    '5 MB': sizes.large,
  }
  const results: Results = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    node: `Node ${process.version}`,
    rounds,
    missing: Object.fromEntries(missing),
    work: {},
    single: {},
  }
  for (const work of works) results.work[work] = await measureWork(targets, work, length[work])
  const single = await measureRounds(targets, '2 KB', 1)
  for (const [name, samples] of single) results.single[name] = medianOf(samples.map(s => s.p50))
  if (values.quick || values.work) return results

  const ours = targets.find(({ name }) => name === 'fhirstorm, SQLite')
  const url = ours?.urlOf('2 KB')?.replace('/Patient/1', '/Giga')
  if (ours && url) {
    const request = { url, headers: ours.headers }
    results.memory = {
      slowMiB: await growthWhileReading(ours.pid, request, { seconds: 60, stops: false }),
      stoppedMiB: await growthWhileReading(ours.pid, request, { seconds: 20, stops: true }),
    }
  }
  results.sessions = await measureBySessions(place)
  return results
}

async function measureWork(targets: Target[], work: Work, length: number) {
  const connections = work === '5 MB' ? 16 : 64
  for (const { headers, urlOf } of targets) {
    const url = urlOf(work)
    if (url === undefined) continue
    await verifyTarget({ url, headers }, length)
    await runLoad({ url, headers, connections, seconds: warmSeconds })
  }
  return Object.fromEntries(await measureRounds(targets, work, connections))
}

/** Rounds of all targets in turn, so that a busy moment of the machine meets all alike. */
async function measureRounds(
  targets: Target[],
  work: Work,
  connections: number,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>()
  for (let round = 0; round < rounds; round++) {
    for (const target of targets) {
      const taken = await sample(target, work, connections)
      if (taken) samples.set(target.name, [...(samples.get(target.name) ?? []), taken])
    }
  }
  return samples
}

async function sample(
  target: Target,
  work: Work,
  connections: number,
): Promise<Sample | undefined> {
  const url = target.urlOf(work)
  if (url === undefined) return undefined
  return await measure(target.pid, { url, headers: target.headers, connections, seconds })
}

async function startRedis(): Promise<Running> {
  return await startProcess({
    command: 'redis-server',
    args: ['--port', String(REDIS_PORT), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
    port: REDIS_PORT,
    core: LOAD_CORE,
  })
}

async function keep<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const running = await starting
  started.push(running)
  return running
}
