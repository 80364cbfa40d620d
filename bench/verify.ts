// What /verify costs beside an empty route of the same server: CPU of the broker's process for each request, in
// many short turns, so that both meet the same machine, whatever else it does.
//   node bench/verify.ts [--requests 2000] [--rounds 60]

import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { startSandbox } from '../sandbox/sandbox.ts'
import { logIn } from '../test/flow/login.ts'
import { createBroker } from '../test/world/broker.ts'
import { createBrowser } from '../test/world/browser.ts'
import { findPort } from '../test/world/port.ts'
import { medianOf } from './measure.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '60' },
  },
})
const requests = Number(values.requests)
const WARM_UP = 20
const CONNECTIONS = 16

const [port, internal] = await Promise.all([findPort(), findPort()])
const app = `http://localhost:${port}`
const sandbox = await startSandbox({ port: 0, appUrl: app })
const broker = createBroker({
  ...{ app, sandbox: sandbox.url },
  configure(document) {
    document.internal = { port: internal }
    document.apis = [{ id: 'notes', audience: 'https://api.example.org' }]
  },
})
await broker.start()
const browser = createBrowser()
const { id } = await logIn({ app, sandbox }, browser, 'amy-shaw')
const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
const pool = new Pool(`http://127.0.0.1:${internal}`, { connections: CONNECTIONS })
const routes = {
  empty: { path: '/healthz', headers: { cookie } },
  verify: {
    path: '/verify',
    headers: {
      ...{ cookie, 'x-original-method': 'GET', 'x-original-uri': '/api/notes' },
      ...{ 'sec-fetch-site': 'same-origin', 'fhirstorm-session': id },
    },
  },
}

/** CPU of the broker for one request, in microseconds. */
async function measure({ path, headers }: (typeof routes)['empty']): Promise<number> {
  const before = readCpu()
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
  return (readCpu() - before) / 1e3 / requests
}

/** Nanoseconds that all threads of the broker have run. */
function readCpu(): number {
  const tasks = `/proc/${broker.pid()}/task`
  const read = (task: string) =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
  return readdirSync(tasks).reduce((sum, task) => sum + read(task), 0)
}

const costs = { empty: [] as number[], verify: [] as number[] }
try {
  for (let round = -WARM_UP; round < Number(values.rounds); round++) {
    // Each goes first in every other round.
    const names = round % 2 === 0 ? (['empty', 'verify'] as const) : (['verify', 'empty'] as const)
    for (const name of names) {
      const cost = await measure(routes[name])
      if (round >= 0) costs[name].push(cost)
    }
  }
  const ratios = costs.verify
    .map((cost, i) => cost / (costs.empty[i] ?? cost))
    .toSorted((a, b) => a - b)
  const [low, high] = [ratios.at(ratios.length / 4), ratios.at((3 * ratios.length) / 4)]
  console.log(
    `empty ${medianOf(costs.empty).toFixed(1)} µs, verify ${medianOf(costs.verify).toFixed(1)} µs (medians)`,
  )
  console.log(
    `median ${medianOf(ratios).toFixed(2)} × an empty route (goal: 1.25), half of the rounds between ${low?.toFixed(2)} and ${high?.toFixed(2)}`,
  )
} finally {
  await pool.destroy()
  await broker.close()
  await sandbox.close()
}
