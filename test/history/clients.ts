// The clients of a run. They log in through the public port, and use each session through any process,
// with the cookies as they were captured at the login: also after its end, when it must be refused.

import { Agent, request } from 'node:http'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import type { Entry, Outcome } from './history.ts'
import { EHR, type HistoryWorld } from './world.ts'

interface Held {
  id: string
  cookie: string
  path: string
  isEnding: boolean
}

interface Heard {
  status: number
  /** The EHR refuses its access token; the session is another matter. */
  isOfEhr: boolean
  text: string
}

const PATIENTS = ['amy-shaw', 'ben-ortega', 'elena-rossi']
const PATIENCE_MS = 20_000
/** Sessions that are used at one time, and ended ones that are still tried. */
const [MOST_LIVE, MOST_ENDED] = [40, 40]

/** Runs so many clients until `isOver`. */
export async function runClients(
  { world, count, random, record }: ClientsOptions,
  isOver: () => boolean,
): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const live: Held[] = []
  const ended: Held[] = []
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (!isOver()) await act()
    }),
  )
  agent.destroy()

  async function act(): Promise<void> {
    const choice = random()
    const one = pick(live)
    if (!one || (choice < 0.06 && live.length < MOST_LIVE)) return await begin()
    if (choice < 0.1) return await finish(one)
    const dead = pick(ended)
    if (choice < 0.2 && dead) return await read(dead)
    return choice < 0.35 ? await look(one) : await read(one)
  }

  async function begin(): Promise<void> {
    const browser = createBrowser()
    const patient = pick(PATIENTS) as string
    const start = performance.now()
    try {
      const { id, fhirBaseUrl } = await logIn(world, browser, patient, `ehr=${EHR}`)
      const end = performance.now()
      const about = { session: id, process: -1, start, end }
      record({ ...about, kind: 'login', outcome: 'ok', patient })
      const cookie = [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ')
      live.push({ id, cookie, path: new URL(fhirBaseUrl).pathname, isEnding: false })
    } catch {
      // Nobody was told of a session.
      await new Promise(done => setTimeout(done, 50))
    }
  }

  async function read(held: Held, process = anyProcess()): Promise<void> {
    const { heard, ...about } = await ask(held, process, 'GET', `${held.path}/Patient`)
    record({
      ...about,
      kind: 'read',
      patient: about.outcome === 'ok' ? patientIn(heard) : undefined,
    })
  }

  async function look(held: Held): Promise<void> {
    const { heard, ...about } = await ask(held, anyProcess(), 'GET', `/sessions/${held.id}`)
    const generation = about.outcome === 'ok' ? generationIn(heard) : undefined
    record({ ...about, kind: 'look', generation })
  }

  // Right after the answer every process is asked, and the session is tried again later.
  async function finish(held: Held): Promise<void> {
    if (held.isEnding) return
    held.isEnding = true
    const { heard: _heard, ...about } = await ask(
      held,
      anyProcess(),
      'DELETE',
      `/sessions/${held.id}`,
    )
    record({ ...about, kind: 'end' })
    if (about.outcome === 'unknown') {
      held.isEnding = false
      return
    }
    await Promise.all([...world.up].map(process => read(held, process)))
    const at = live.indexOf(held)
    if (at >= 0) live.splice(at, 1)
    ended.push(held)
    if (ended.length > MOST_ENDED) ended.shift()
  }

  async function ask(held: Held, process: number, method: string, path: string) {
    const start = performance.now()
    const heard = await send(process, method, path, held.cookie).catch(() => undefined)
    const end = performance.now()
    return { session: held.id, process, start, end, outcome: toOutcome(heard), heard }
  }

  function send(process: number, method: string, path: string, cookie: string): Promise<Heard> {
    return new Promise((done, fail) => {
      const headers = { host: new URL(world.app).host, cookie, 'x-csrf': '1' }
      const port = world.ports[process]
      const sent = request(
        { host: '127.0.0.1', port, path, method, headers, agent, timeout: PATIENCE_MS },
        response => {
          let text = ''
          response.setEncoding('utf8').on('data', chunk => {
            text += chunk
          })
          response.on('error', fail)
          response.on('close', () => fail(new Error('cut')))
          response.on('end', () => {
            const why = String(response.headers['proxy-status'])
            const isOfEhr = why.includes('upstream_unauthorized')
            done({ status: response.statusCode ?? 0, isOfEhr, text })
          })
        },
      )
      sent
        .on('timeout', () => sent.destroy(new Error('no answer')))
        .on('error', fail)
        .end()
    })
  }

  function anyProcess(): number {
    return pick(world.up.size > 0 ? [...world.up] : [0]) as number
  }

  function pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(random() * from.length)]
  }
}

interface ClientsOptions {
  world: HistoryWorld
  count: number
  random: () => number
  record: (entry: Entry) => void
}

function toOutcome(heard: Heard | undefined): Outcome {
  if (heard?.status === 200) return 'ok'
  return heard?.status === 401 && !heard.isOfEhr ? 'refused' : 'unknown'
}

function patientIn(heard: Heard | undefined): string {
  const { entry = [] } = JSON.parse(heard?.text ?? '{}') as {
    entry?: { resource?: { id?: string } }[]
  }
  return entry.map(({ resource }) => resource?.id).join(' ')
}

function generationIn(heard: Heard | undefined): number {
  const { access } = JSON.parse(heard?.text ?? '{}') as { access?: { obtainedAt?: string } }
  return Date.parse(access?.obtainedAt ?? '')
}
