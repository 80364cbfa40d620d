// What rows ask again and again: FHIR as a page of the app does, and what a refusal is.

import type { Login, LoginOptions } from '../login.ts'
import { type Ask, type Fields, ownPage } from '../outsider.ts'
import type { Scene } from '../row.ts'
import type { Reply } from '../socket.ts'

export const EVIL_ORIGIN = 'https://evil.example'

/** A login that has a session. Rejects where the target refuses it. */
export async function logIn(scene: Scene, options: LoginOptions = {}): Promise<LoggedIn> {
  const login = await scene.login(options)
  if (!login.session) throw new Error('a plain login made no session')
  return login as LoggedIn
}

export type LoggedIn = Login & { session: NonNullable<Login['session']> }

/** A request below the session's FHIR base, with its cookies, as a page of the app makes it. */
export async function readFhir(
  { outsider, target }: Scene,
  { session, jar }: LoggedIn,
  path: string,
  ask: Partial<Ask> = {},
): Promise<Reply> {
  const isUnsafe = !['GET', 'HEAD'].includes(ask.method ?? 'GET')
  const headers = { ...ownPage, ...(isUnsafe && { Origin: target.origin }), ...ask.headers }
  return await outsider.ask({
    cookies: jar.cookies,
    ...ask,
    path: session.fhirPath + path,
    headers,
  })
}

/** Bytes of a request below the session's base, with everything but the framing right. */
export function headOf(
  scene: Scene,
  { session, jar }: LoggedIn,
  line: string,
  more: string,
): string {
  const { host } = new URL(scene.target.origin)
  const cookie = [...jar.cookies].map(pair => pair.join('=')).join('; ')
  const [method, path = ''] = line.split(' ')
  const own = `Origin: ${scene.target.origin}\r\nSec-Fetch-Site: same-origin\r\nCookie: ${cookie}`
  return `${method} ${session.fhirPath}${path} HTTP/1.1\r\nHost: ${host}\r\n${own}\r\n${more}`
}

/** A request with these headers passes, or is refused; what the EHR is sent holds none of the names. */
export async function keepFromEhr(
  scene: Scene,
  headers: Fields,
  names: readonly string[],
  path = '/Basic/kept',
): Promise<void> {
  const login = await logIn(scene)
  const before = login.ehr.heard.length
  const reply = await readFhir(scene, login, path, { headers })
  scene.hold(reply.status !== 500, describe(reply))
  const [heard] = login.ehr.heard.slice(before)
  if (!heard) return scene.hold(isRefused(reply), 'neither refused nor asked')
  for (const name of names) {
    scene.hold(heard.headers[name.toLowerCase()] === undefined, `the EHR is sent ${name}`)
  }
  const bearers = heard.rawHeaders.filter(
    (text, i) => i % 2 === 1 && text.includes(login.grant.accessToken),
  )
  scene.hold(bearers.length === 1, `the bearer is sent ${bearers.length} times`)
}

/** From now on the EHR takes the session's access token for over, until it is renewed. */
export function expire({ grant }: LoggedIn): void {
  grant.accessToken = ''
}

/** Whether a refusal is one by choice: not an answer, not a crash, not silence. */
export function isRefused({ status }: Reply): boolean {
  return status >= 400 && status !== 500
}

/** Whether no session came of it: neither an address that names one, nor any cookie but cleared ones. */
export function isNoSession({ headers }: Reply): boolean {
  const landing = headers.get('location')?.[0] ?? ''
  const given = (headers.get('set-cookie') ?? []).filter(line => !/max-age=0|1970/i.test(line))
  return !/[?&]session=/.test(landing) && given.length === 0
}

/** A short text of what an answer was. */
export function describe(reply: Reply): string {
  const details = /details="?(\w+)/.exec(reply.headers.get('proxy-status')?.[0] ?? '')?.[1]
  return [reply.status || 'no answer', details].filter(Boolean).join(' ')
}

export const pause = (ms: number) => new Promise(done => setTimeout(done, ms))

/** Runs a step for each of many, so many at a time. */
export async function each<T>(
  list: readonly T[],
  step: (item: T) => Promise<void>,
  atOnce = 4,
): Promise<void> {
  const waiting = [...list]
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await step(item)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}
