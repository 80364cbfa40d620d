// A process: asks for /healthz and for another user's Patient in turn, fifty times a second, and prints
// how long each took as JSON. A request that fails counts as one that took until then. Its argument is
// an Aim.

import { Agent, request } from 'node:http'
import { type Aim, addresses, begin } from './aim.ts'

export interface Probed {
  /** Milliseconds, in the order of asking. */
  times: number[]
  /** Answers that were no 200, by status. */
  failures: Record<string, number>
}

const EVERY_MS = 20
const PATIENCE_MS = 30_000

const aim = JSON.parse(process.argv[2] ?? '') as Aim
const agent = new Agent({ keepAlive: true, localAddress: addresses.victim })
const asked = {
  '/healthz': { path: '/healthz', cookie: '' },
  "another user's read": { path: `${aim.victim.path}/Patient`, cookie: aim.victim.cookie },
}
const results: Record<string, Probed> = {}
const running: Promise<void>[] = []
for (const name of Object.keys(asked)) results[name] = { times: [], failures: {} }
await begin(aim)
const endsAt = performance.now() + aim.seconds * 1_000
while (performance.now() < endsAt) {
  for (const [name, { path, cookie }] of Object.entries(asked)) {
    running.push(measure(results[name] as Probed, path, cookie))
  }
  await new Promise(done => setTimeout(done, EVERY_MS))
}
await Promise.all(running)
process.stdout.write(JSON.stringify(results), () => process.exit(0))

function measure({ times, failures }: Probed, path: string, cookie: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const startedAt = performance.now()
  const headers = { host: aim.host, ...(cookie === '' ? {} : { cookie }) }
  const note = (outcome: string) => {
    times.push(performance.now() - startedAt)
    if (outcome !== '200') failures[outcome] = (failures[outcome] ?? 0) + 1
    resolve()
  }
  const sent = request({ host: '127.0.0.1', port: aim.port, path, headers, agent }, answer => {
    answer.resume()
    answer.on('end', () => note(String(answer.statusCode)))
    answer.on('error', () => note('cut off'))
  })
  sent.setTimeout(PATIENCE_MS, () => sent.destroy())
  sent.on('error', () => note('no answer'))
  sent.end()
  return promise
}
