// A login as a browser does it, step by step, so that rows can leave one out or do it twice. The suite's
// EHR asks nobody: the code is given when the request has been seen.

import type { Document } from './ehr/answer.ts'
import type { Grant, HostileEhr } from './ehr/ehr.ts'
import { type Ask, headerOf, Jar, navigation, type Outsider, ownPage } from './outsider.ts'
import type { Reply } from './socket.ts'

export interface LoginOptions {
  ehr?: HostileEhr
  jar?: Jar
  /** What the EHR does with this user's grant. */
  grant?: Partial<Grant>
  /** Further parameters of /login. */
  query?: string
  /** Begins as an EHR launch. */
  isLaunch?: boolean
}

export interface Login {
  ehr: HostileEhr
  jar: Jar
  grant: Grant
  /** The answer that began it. */
  begun: Reply
  /** Parameters of the authorization request. */
  asked: URLSearchParams
  state: string
  /** The redirect URI with the EHR's answer; changes are laid over, undefined takes one out. */
  answerPath(changes?: Record<string, string | undefined>): string
  /** Comes back from the EHR. */
  land(changes?: Record<string, string | undefined>, ask?: Partial<Ask>): Promise<Reply>
  /** Set when `land` made a session. */
  session?: Session
}

export interface Session {
  id: string
  document: Document
  /** Path of its FHIR base at the target, and of its document. */
  fhirPath: string
  path: string
  ticketName: string
}

const PAUSE_MS = 60_000

/** Asks again after a while where the target says that this is too much of the suite. */
async function patiently(ask: () => Promise<Reply>): Promise<Reply> {
  const reply = await ask()
  const rest = Number(headerOf(reply, 'retry-after')) * 1000
  if (reply.status !== 429 || rest > PAUSE_MS) return reply
  await new Promise(done => setTimeout(done, rest))
  return await ask()
}

/** Begins a login. Rejects when the target does not lead to the EHR. */
export async function beginLogin(
  outsider: Outsider,
  { prefix, url }: { prefix: string; url: string },
  options: LoginOptions & { ehr: HostileEhr },
): Promise<Login> {
  const { ehr, jar = new Jar(), isLaunch = false, query = '' } = options
  const path = isLaunch
    ? `${prefix}/launch?iss=${encodeURIComponent(ehr.iss)}&launch=x${query}`
    : `${prefix}/login?ehr=${ehr.id}${query}`
  const ask = () => outsider.ask({ path, headers: navigation, cookies: jar.cookies })
  const begun = await patiently(ask)
  jar.take(begun)
  const location = headerOf(begun, 'location')
  if (!location.startsWith(`${ehr.url}/authorize`)) {
    throw new Error(
      `a login at ${ehr.id} began with ${begun.status}: ${location || begun.text.slice(0, 80)}`,
    )
  }
  const asked = new URL(location).searchParams
  const redirectUri = asked.get('redirect_uri') ?? ''
  const grant = ehr.give({
    nonce: asked.get('nonce') ?? undefined,
    challenge: asked.get('code_challenge') ?? undefined,
    redirectUri,
    ...options.grant,
  })
  const login: Login = {
    ...{ ehr, jar, grant, begun, asked, state: asked.get('state') ?? '' },
    answerPath(changes = {}) {
      const usual = { code: grant.code, state: login.state, iss: ehr.url, ...changes }
      const parameters = new URLSearchParams()
      for (const [name, value] of Object.entries(usual)) {
        if (value !== undefined) parameters.append(name, value)
      }
      return `${new URL(redirectUri).pathname}?${parameters}`
    },
    async land(changes, ask) {
      const path = login.answerPath(changes)
      const usual = { path, headers: navigation, cookies: jar.cookies }
      const reply = await patiently(() => outsider.ask({ ...usual, ...ask }))
      const before = new Set(jar.cookies.keys())
      jar.take(reply)
      const id = new URL(headerOf(reply, 'location') || '/', url).searchParams.get('session')
      if (id) login.session = await openSession(id, before)
      return reply
    },
  }
  return login

  async function openSession(id: string, before: ReadonlySet<string>): Promise<Session> {
    const sessionPath = `${prefix}/sessions/${id}`
    const answer = await outsider.ask({ path: sessionPath, headers: ownPage, cookies: jar.cookies })
    if (answer.status !== 200) throw new Error(`the session document is a ${answer.status}`)
    const document = JSON.parse(answer.text) as Document
    const names = [...jar.cookies.keys()]
    const ticketName =
      names.find(name => name.includes(id)) ?? names.find(name => !before.has(name)) ?? ''
    return {
      ...{ id, document, path: sessionPath, ticketName },
      fhirPath: new URL(String(document.fhirBaseUrl)).pathname,
    }
  }
}
