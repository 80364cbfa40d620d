// What /verify costs beside an empty route of the same server: CPU of the broker's process for each request, in
// turns, so that both meet the same machine.
//   node bench/verify.ts [--requests 20000] [--rounds 5]

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { startSandbox } from '../sandbox/sandbox.ts'
import { logIn } from '../test/flow/login.ts'
import { createBroker } from '../test/world/broker.ts'
import { createBrowser } from '../test/world/browser.ts'
import { findPort } from '../test/world/port.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '5' },
  },
})
const requests = Number(values.requests)
const TICKS_A_SECOND = 100
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
  const before = readTicks()
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
  return (((readTicks() - before) / TICKS_A_SECOND) * 1e6) / requests
}

function readTicks(): number {
  const fields = readFileSync(`/proc/${broker.pid()}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

const ratios: number[] = []
try {
  for (const route of Object.values(routes)) await measure(route)
  for (let round = 1; round <= Number(values.rounds); round++) {
    const [empty, verify] = [await measure(routes.empty), await measure(routes.verify)]
    ratios.push(verify / empty)
    console.log(
      `round ${round}: empty ${empty.toFixed(1)} µs, verify ${verify.toFixed(1)} µs, ${(verify / empty).toFixed(2)} ×`,
    )
  }
  const median = ratios.toSorted((one, other) => one - other)[Math.floor(ratios.length / 2)] ?? 0
  console.log(`median ${median.toFixed(2)} × an empty route (goal: 1.25)`)
} finally {
  await pool.destroy()
  await broker.close()
  await sandbox.close()
}
