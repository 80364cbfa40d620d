// The users of a long run: each logs in, reads, searches, writes, listens, and logs out, again and again. Every
// request goes over a connection of its own, so that what a restart does to idle ones is nobody's failure.

import { request } from 'node:http'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import type { Act, Done } from './record.ts'
import { EHR, type SoakWorld } from './world.ts'

export interface UsersOptions {
  world: SoakWorld
  count: number
  random: () => number
  note(done: Done): void
}

/** What became of sessions. */
export interface Sessions {
  begun: number
  ended: number
  /** Acknowledged, not ended by their user, and refused as unknown. */
  lost: number
  /** Answers about another patient. */
  mixed: number
}

interface Held {
  patient: string
  cookie: string
  /** Paths of the FHIR base and of the session. */
  fhir: string
  own: string
}

const PATIENTS = ['amy-shaw', 'ben-ortega', 'elena-rossi']
const PATIENCE_MS = 60_000
const LISTENS_MS = 500

/** Lets so many users act until `isOver`. */
export async function runUsers(options: UsersOptions, isOver: () => boolean): Promise<Sessions> {
  const { world, count, random, note } = options
  const sessions: Sessions = { begun: 0, ended: 0, lost: 0, mixed: 0 }
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (!isOver()) await live()
    }),
  )
  return sessions

  async function live(): Promise<void> {
    const held = await begin()
    if (!held) return await pause(100)
    for (let acts = 20 + random() * 60; acts > 0 && !isOver(); acts--) {
      if (!(await use(held))) return
      await pause(random() * 40)
    }
    if ((await ask('logout', held, 'DELETE', held.own)).status === 200) sessions.ended++
  }

  async function begin(): Promise<Held | undefined> {
    const start = performance.now()
    const browser = createBrowser()
    const patient = PATIENTS[Math.floor(random() * PATIENTS.length)] as string
    try {
      const { id, fhirBaseUrl } = await logIn(world, browser, patient, `ehr=${EHR}`)
      note({ act: 'login', status: 200, code: '', start, end: performance.now() })
      sessions.begun++
      const cookie = [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ')
      return { patient, cookie, fhir: new URL(fhirBaseUrl).pathname, own: `/sessions/${id}` }
    } catch {
      const { status = 0, headers } = browser.history.at(-1) ?? {}
      const code = headers?.get('proxy-status') ?? ''
      note({ act: 'login', status: status < 400 ? 0 : status, code, start, end: performance.now() })
      return undefined
    }
  }

  /** One act of a session; false when it is over. */
  async function use(held: Held): Promise<boolean> {
    const choice = random()
    const { status, text, isOfEhr } = await act(held, choice)
    if (status === 200 && choice < 0.55 && !text.includes(held.patient)) sessions.mixed++
    if (status !== 401 || isOfEhr) return true
    sessions.lost++
    return false
  }

  async function act(held: Held, choice: number): Promise<Heard> {
    if (choice < 0.55) return await ask('read', held, 'GET', `${held.fhir}/Patient/${held.patient}`)
    if (choice < 0.7) return await ask('search', held, 'GET', `${held.fhir}/Observation?_count=50`)
    if (choice < 0.85) return await write(held)
    if (choice < 0.97) return await ask('look', held, 'GET', held.own)
    return await ask('events', held, 'GET', '/sessions/events')
  }

  async function write(held: Held): Promise<Heard> {
    const id = `run-${held.own.slice(-8).replaceAll(/[^A-Za-z0-9]/g, '-')}`
    const body = JSON.stringify({
      ...{ resourceType: 'Observation', id, status: 'final', code: { text: 'A long run' } },
      subject: { reference: `Patient/${held.patient}` },
    })
    const headers = { 'content-type': 'application/fhir+json' }
    return await ask('write', held, 'PUT', `${held.fhir}/Observation/${id}`, body, headers)
  }

  async function ask(
    act: Act,
    held: Held,
    method: string,
    path: string,
    body?: string,
    more: Record<string, string> = {},
  ): Promise<Heard> {
    const start = performance.now()
    const headers = { cookie: held.cookie, 'x-csrf': '1', ...more }
    const attempt = () => send(`${world.app}${path}`, method, headers, body).catch((): Heard => CUT)
    let heard = await attempt()
    // A write that met an access token's end is not sent twice for its user, but may be by them.
    if (heard.status === 401 && heard.mayRetry) heard = await attempt()
    note({ act, status: heard.status, code: heard.code, start, end: performance.now() })
    return heard
  }
}

interface Heard {
  status: number
  code: string
  /** The EHR refuses its access token; the session is another matter. */
  isOfEhr: boolean
  /** It says when to try again. */
  mayRetry: boolean
  text: string
}

const CUT: Heard = { status: 0, code: '', isOfEhr: false, mayRetry: false, text: '' }

function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: string | undefined,
): Promise<Heard> {
  return new Promise((done, fail) => {
    const isStream = url.endsWith('/events')
    const sent = request(url, { method, headers, agent: false, timeout: PATIENCE_MS }, response => {
      const { statusCode: status = 0 } = response
      const code = String(response.headers['proxy-status'] ?? '')
      let text = ''
      const isOfEhr = code.includes('upstream')
      const mayRetry = response.headers['retry-after'] !== undefined
      const tell = () => done({ status, code, isOfEhr, mayRetry, text })
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.on('error', fail).on('end', tell)
      response.on('close', () => fail(new Error('cut')))
      if (!isStream || status !== 200) return
      setTimeout(() => {
        tell()
        sent.destroy()
      }, LISTENS_MS)
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer'))).on('error', fail)
    sent.end(body)
  })
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}
