// The same of the vault alone: processes over one private Redis keep reading what they have, while
// sessions are ended through each of them in turn, and every other process is asked for each the moment
// that its removal has resolved.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openVault } from '../src/vault/open.ts'
import { buildRecord, newId } from '../test/vault/records.ts'
import { startRedis } from '../test/vault/redis-server.ts'
import { adopt, end } from '../test/world/children.ts'

type Order = { n: number; method: 'insert' | 'remove' | 'head' | 'counted'; id: string }

const PROCESSES = 4
const AT_ONCE = 8
const MINUTE = 60_000
/** Longer than a new epoch counts as new. */
const SETTLE_MS = 1_500

if (process.argv[2] === 'worker') await work(process.argv[3] ?? '')

/** Measures so many endings, and prints what came of it. */
export async function measureVault(endings: number): Promise<void> {
  const redis = await startRedis()
  const workers = Array.from({ length: PROCESSES }, () => startWorker(redis.url))
  await Promise.all(workers.map(({ ready }) => ready))
  await pause(SETTLE_MS)
  const latencies: number[] = []
  let served = 0
  let left = endings
  const client = async () => {
    while (left-- > 0) {
      const turn = left % PROCESSES
      const id = newId()
      await workers[turn]?.ask('insert', id)
      const others = workers.filter((_, i) => i !== turn)
      await Promise.all(others.map(worker => worker.ask('head', id)))
      const start = performance.now()
      await workers[turn]?.ask('remove', id)
      latencies.push(performance.now() - start)
      const found = await Promise.all(others.map(worker => worker.ask('head', id)))
      served += found.filter(Boolean).length
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  const reads = await Promise.all(workers.map(worker => worker.ask('counted', '')))
  const info = await redis.command('info', 'commandstats')
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))]?.toFixed(1)
  console.log(`${latencies.length} endings over ${PROCESSES} processes, ${AT_ONCE} at a time`)
  console.log(`heads given after an acknowledged ending: ${served}`)
  console.log(`acknowledged in ms: p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`)
  console.log(`heads read meanwhile: ${reads.reduce((a, b) => Number(a) + Number(b), 0)}`)
  console.log(`HMGET at Redis: ${/cmdstat_hmget:calls=(\d+)/.exec(info)?.[1]}`)
  // One process that stands still.
  const [stopped, ...others] = workers
  const id = newId()
  await others[0]?.ask('insert', id)
  await stopped?.ask('head', id)
  stopped?.child.kill('SIGSTOP')
  const start = performance.now()
  await others[0]?.ask('remove', id)
  console.log(`one process stopped: ${(performance.now() - start).toFixed(0)} ms`)
  stopped?.child.kill('SIGCONT')
  console.log(`given by it when it goes on: ${await stopped?.ask('head', id)}`)
  await Promise.all(workers.map(({ child }) => end(child, 'SIGKILL')))
  await redis.close()
}

function startWorker(url: string) {
  const child: ChildProcess = adopt(fork(fileURLToPath(import.meta.url), ['worker', url]))
  const waiting = new Map<number, (answer: unknown) => void>()
  let asked = 0
  child.on('message', ({ n, answer }: { n: number; answer: unknown }) => {
    waiting.get(n)?.(answer)
    waiting.delete(n)
  })
  const expect = (n: number) => new Promise<unknown>(done => waiting.set(n, done))
  return {
    child,
    ready: expect(0),
    ask(method: Order['method'], id: string) {
      const n = ++asked
      child.send({ n, method, id } satisfies Order)
      return expect(n)
    },
  }
}

async function work(url: string): Promise<void> {
  const { vault } = await openVault({ kind: 'redis', url }, new Map([['key', 'mark']]), Date.now)
  const own: string[] = []
  let reads = 0
  for (let i = 0; i < 100; i++) {
    const id = newId()
    own.push(id)
    await vault.insert(id, buildRecord(Date.now(), { endsAt: Date.now() + 60 * MINUTE }))
  }
  process.on('message', async ({ n, method, id }: Order) => {
    let answer: unknown = reads
    if (method === 'insert') await vault.insert(id, buildRecord(Date.now()))
    if (method === 'remove') answer = await vault.remove(id)
    if (method === 'head') answer = (await vault.head(id)) !== undefined
    process.send?.({ n, answer })
  })
  process.send?.({ n: 0 })
  for (;;) {
    for (const id of own) {
      await vault.head(id)
      reads++
    }
    await pause(1)
  }
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}
