// How long it takes until an ended session is ended everywhere, and whether it is: sessions ended in
// every way over HTTP and several processes over one Redis, each read through every process right
// before and right after, while other clients read without a pause.
// `npm run bench:endings -- --endings 10000`; `--store sqlite`; `--vault` measures the vault alone.

import { parseArgs } from 'node:util'
import { deployFor, endSessions, type Way, ways } from '../test/endings/endings.ts'
import { startRedis } from '../test/vault/redis-server.ts'
import { measureVault } from './vault-endings.ts'

const { values } = parseArgs({
  options: {
    endings: { type: 'string', default: '2000' },
    processes: { type: 'string', default: '4' },
    store: { type: 'string', default: 'redis' },
    'at-once': { type: 'string', default: '8' },
    readers: { type: 'string', default: '4' },
    'pause-ms': { type: 'string', default: '10' },
    vault: { type: 'boolean', default: false },
  },
})
const endings = Number(values.endings)
if (values.vault) await measureVault(endings)
else await measure()

async function measure(): Promise<void> {
  const redis = values.store === 'redis' ? await startRedis() : undefined
  const processes = Number(values.processes)
  const deployed = await deployFor(processes, redis && { kind: 'redis', url: redis.url })
  const [atOnce, readers] = [Number(values['at-once']), Number(values.readers)]
  const pauseMs = Number(values['pause-ms'])
  const run = { ways: Object.keys(ways) as Way[], endings, atOnce, readers, pauseMs }
  const start = performance.now()
  const { milliseconds, load, ...outcome } = await endSessions(deployed, run)
  const seconds = (performance.now() - start) / 1000
  await deployed.close()
  await redis?.close()
  console.log(`${endings} endings over ${processes} processes and ${values.store},`)
  console.log(`${atOnce} at a time, ${readers} readers, ${seconds.toFixed(0)} s`)
  console.log(
    JSON.stringify({ ...outcome, reads: load.milliseconds.length, failed: load.failures }),
  )
  print('a read of a session that lives on', load.milliseconds)
  for (const [way, times] of milliseconds) print(way, times)
  print('all', [...milliseconds.values()].flat())
  // What ends a session by the way is measured with the whole login.
  const { otherUser: _login, tooMany: _another, ...alone } = Object.fromEntries(milliseconds)
  print('all but logins', Object.values(alone).flat())
}

function print(name: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(1)
  console.log(`${name}: ${times.length}, ms: p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`)
}
