// A browser and its user where there are many of them: quick, through any process, with the cookies that
// they were given.

import { randomUUID } from 'node:crypto'
import { type Dispatcher, Pool } from 'undici'
import type { QuickEhr, Who } from './quick-ehr.ts'

/** The product's processes, each at a port of its own. */
export interface Processes {
  app: string
  pools: readonly Pool[]
  ehr: QuickEhr
}

export interface Session {
  id: string
  cookie: string
  who: Who
}

export interface Heard {
  status: number
  headers: Dispatcher.ResponseData['headers']
  text: string
}

const PATIENCE_MS = 30_000

/** Connections to a process on this machine. */
export function connectTo(port: number): Pool {
  const patience = { headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS }
  return new Pool(`http://127.0.0.1:${port}`, { connections: 64, ...patience })
}

/** One request to a process, as a script of the app would send it. */
export async function send(
  { app, pools }: Processes,
  process: number,
  method: Dispatcher.HttpMethod,
  path: string,
  { cookie, body }: { cookie?: string; body?: string } = {},
): Promise<Heard> {
  const headers: Record<string, string> = { host: new URL(app).host, 'x-csrf': '1' }
  if (cookie) headers.cookie = cookie
  if (body) headers['content-type'] = 'application/x-www-form-urlencoded'
  // Limits by address are for one caller alone.
  headers['x-forwarded-for'] = `10.${anyByte()}.${anyByte()}.${anyByte()}`
  const answer = await (pools[process] as Pool).request({ method, path, headers, body })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

/**
 * Logs in, each request through the process that `process` gives; in a new browser, or in the one of the
 * session `before`.
 */
export async function logIn(
  processes: Processes,
  process: () => number,
  who: Who = { sub: randomUUID(), sid: randomUUID() },
  before?: Session,
): Promise<Session> {
  const jar = new Map(before?.cookie.split('; ').map(pair => cut(pair)))
  const begun = await visit('/login?ehr=quick')
  const back = processes.ehr.authorize(begun, who)
  const landed = await visit(back.pathname + back.search)
  const id = landed.searchParams.get('session')
  if (!id) throw new Error(`no session: ${landed.search}`)
  return { id, who, cookie: printJar(jar) }

  async function visit(path: string): Promise<URL> {
    const answer = await send(processes, process(), 'GET', path, { cookie: printJar(jar) })
    for (const text of [answer.headers['set-cookie'] ?? []].flat()) {
      const [name, value] = cut(text.split(';', 1)[0] as string)
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    if (typeof answer.headers.location !== 'string') throw new Error(`${path}: ${answer.status}`)
    return new URL(answer.headers.location, processes.app)
  }
}

/** Reads FHIR in a session through a process. */
export async function read(
  processes: Processes,
  process: number,
  { id, cookie }: Pick<Session, 'id' | 'cookie'>,
): Promise<Heard> {
  return await send(processes, process, 'GET', `/sessions/${id}/fhir/Patient/any`, { cookie })
}

/** Has the EHR tell a process that a user, or one of its logins, is over. */
export async function tellLogout(
  processes: Processes,
  process: number,
  about: { sub: string } | { sid: string },
): Promise<Heard> {
  const token = await processes.ehr.signLogout(about)
  const body = `${new URLSearchParams({ logout_token: token })}`
  return await send(processes, process, 'POST', '/backchannel-logout', { body })
}

function cut(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

function printJar(jar: ReadonlyMap<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

function anyByte(): number {
  return Math.floor(Math.random() * 256)
}
