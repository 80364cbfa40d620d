// The client of a frontend: logins, sessions, logout, FHIR calls, and what happens in between.

import { createCaller } from './call.ts'
import { createClock, readTime } from './clock.ts'
import type { Countdown } from './countdown.ts'
import type { Ehr, SessionDocument } from './document.ts'
import { endsSession, isOut, keepWebAddresses, readKind } from './fault.ts'
import { readLocation } from './page.ts'
import type { Store } from './store.ts'
import { createWatch } from './watch.ts'
import type { WatchEvent, Watched } from './watched.ts'

export interface ClientOptions {
  /** fhirstorm's public URL, or its path on this origin; `/` unless told. */
  baseUrl?: string
  /** Seconds before its end from which a session is expiring; 120 unless told (WCAG 2.2.1: at least 20). */
  warnSeconds?: number
  /** Seconds between two questions where fhirstorm offers no stream of events; 30 unless told. */
  pollSeconds?: number
  fetch?: typeof fetch
}

export interface LoginOptions {
  /** Id of the EHR, or its FHIR base URL; neither where there is one EHR alone, or to be asked. */
  ehr?: string
  iss?: string
  /** Path of the frontend to come back to, with `session=ID` or `error=CODE` added; this page unless told. */
  returnTo?: string
}

/** All members work without `this`. */
export interface Client {
  ehrs(): Promise<readonly Ehr[]>
  /** Leaves the page to sign in. */
  login(options?: LoginOptions): void
  /** Where a login begins, for a link. */
  loginUrl(options?: LoginOptions): string
  /** This browser's live sessions; reading them keeps none alive. */
  sessions(): Promise<readonly SessionDocument[]>
  /** One session; keeps it alive only when `slide` is true. */
  session(id: string, options?: { slide?: boolean }): Promise<SessionDocument>
  /**
   * Ends one session, or all of this browser's; where the EHRs' own logins can be ended. A Fault `logout_incomplete` or
   * `audit_unavailable` names that too: this browser is out, and the sessions are told to have ended.
   */
  logout(id?: string): Promise<{ endSessionUrls: readonly string[] }>
  /**
   * The same as fetch, with what fhirstorm's guard asks for; never throws for a status. `readFault`
   * says what an answer means that is no success.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Hears what happens to this browser's sessions, until the returned function is called. */
  watch(listener: (event: WatchEvent) => void): () => void
  /** What is known of this browser's sessions, for useSyncExternalStore; watches while it is subscribed to. */
  store: Store<Watched>
  /** How long a session has left, for useSyncExternalStore. */
  countdown(id: string): Store<Countdown | undefined>
}

interface Farewell {
  endSessionUrl: string | null
}

interface Farewells {
  endSessionUrls: string[]
}

/** A client of one fhirstorm; nothing is asked of it before the first call. */
export function createClient(options: ClientOptions = {}): Client {
  const { baseUrl = '/', warnSeconds = 120, pollSeconds = 30 } = options
  const clock = createClock()
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...asked) => globalThis.fetch(...asked))
  const caller = createCaller({ baseUrl, fetch, hear, hearNothing })
  const watch = createWatch({ caller, clock, warnSeconds, pollSeconds })
  const { store, countdown, on, list, tell } = watch

  return {
    ehrs: async () => (await caller.read<Ehr[]>('ehrs')).value,
    login: asked => readLocation()?.assign(loginUrl(asked)),
    loginUrl,
    sessions: list,
    async session(id, { slide = false } = {}) {
      const path = `sessions/${encodeURIComponent(id)}?slide=${slide}`
      const { value: session } = await caller.read<SessionDocument>(path)
      tell({ type: 'session', session })
      return session
    },
    logout: async id => ({ endSessionUrls: keepWebAddresses(await logout(id)) }),
    fetch: caller.fetch,
    watch: on,
    store,
    countdown,
  }

  function loginUrl({ ehr, iss, returnTo = readHere() }: LoginOptions = {}): string {
    const url = caller.url('login')
    const query = { ehr, iss, return_to: returnTo && comeBackTo(returnTo, url) }
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    return url.href
  }

  async function logout(id: string | undefined): Promise<string[]> {
    if (id === undefined) {
      const ids = store.getSnapshot().sessions.map(session => session.id)
      const { value, at } = await leave<Farewells>('logout', 'POST', ids)
      tell({ type: 'sessions', sessions: [], at })
      return value.endSessionUrls
    }
    const { value } = await leave<Farewell>(`sessions/${encodeURIComponent(id)}`, 'DELETE', [id])
    return value.endSessionUrl === null ? [] : [value.endSessionUrl]
  }

  // Also where the rest is still to come: the cookies are gone, and nobody is to see the record.
  async function leave<T>(path: string, method: string, ids: readonly string[]) {
    const tellEnded = () => {
      for (const id of ids) tell({ type: 'ended', id, reason: 'logout' })
    }
    try {
      const read = await caller.read<T>(path, { method })
      tellEnded()
      return read
    } catch (error) {
      if (isOut(error)) tellEnded()
      throw error
    }
  }

  // It may be this one call alone.
  function hearNothing(): void {
    watch.check()
  }

  // What any answer says of its session and its EHR.
  function hear(path: string, response: Response): void {
    clock.observe(readTime(response))
    if (store.getSnapshot().state === 'unreachable') watch.check()
    const [, id, isFhir] = /^sessions\/([\w-]{22})(\/fhir)?(?:[/?]|$)/.exec(path) ?? []
    if (id === undefined) return
    const kind = readKind(response.headers)
    if (endsSession(kind)) {
      tell({ type: 'ended', id, reason: kind === 'session-ended' ? 'ehr' : 'unknown' })
    }
    const ehr = store.getSnapshot().sessions.find(session => session.id === id)?.ehr
    if (!isFhir || ehr === undefined) return
    if (kind === 'ehr' || kind === 'ehr-down') tell({ type: 'ehr', ehr, isDown: kind !== 'ehr' })
    watch.noteUse(id)
  }
}

/** What a login came back with, in the address of the page: a session, or the code of a refusal. */
export function readLanding(url: string): { session?: string; error?: string } {
  const { searchParams } = new URL(url)
  const [session, error] = ['session', 'error'].map(name => searchParams.get(name) ?? undefined)
  return { session, error }
}

// This page, without what an earlier login has left in its address.
function readHere(): string | undefined {
  const here = readLocation()
  if (here === undefined) return undefined
  const url = new URL(here.href)
  for (const name of ['session', 'error']) url.searchParams.delete(name)
  return url.pathname + url.search + url.hash
}

/** A frontend at another origin than fhirstorm's says which of several it is. */
function comeBackTo(returnTo: string, { origin }: URL): string {
  const here = readLocation()
  const isElsewhere = here !== undefined && here.origin !== origin && returnTo.startsWith('/')
  return isElsewhere ? here.origin + returnTo : returnTo
}
