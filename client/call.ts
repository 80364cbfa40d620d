// Calls to fhirstorm as its guard wants them: with the cookie, and from the same origin with X-CSRF, so
// that browsers without Fetch Metadata are let in too. A frontend at another origin is known by its
// Origin; the header would only cost it a pre-flight.

import { readTime } from './clock.ts'
import { Fault, readFault } from './fault.ts'
import { readLocation } from './page.ts'

export interface Caller {
  /** Address below fhirstorm's public URL. */
  url(path: string): URL
  /** The same as fetch, for any address; what is not fhirstorm's goes out unchanged. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Reads JSON below the public URL; every answer that is no success, and none within half a minute, is a Fault. */
  read<T>(path: string, init?: RequestInit): Promise<Read<T>>
}

export interface Read<T> {
  value: T
  /** The server's time of the answer in milliseconds; NaN where it is not told. */
  at: number
}

export interface CallerOptions {
  /** fhirstorm's public URL; relative ones are relative to the page. */
  baseUrl: string
  fetch: typeof fetch
  /** Hears every answer of fhirstorm, by its path below the public URL; and that none came. */
  hear(path: string, response: Response): void
  hearNothing(): void
}

/** No answer of fhirstorm about sessions takes so long, its own waits for stores and EHRs included. */
export const ANSWER_MS = 30_000

/** A caller; without a page around it `baseUrl` must be absolute by the time of the first call. */
export function createCaller({ baseUrl, fetch, hear, hearNothing }: CallerOptions): Caller {
  const url = (path: string) => new URL(path, findBase())
  return { url, fetch: call, read }

  function findBase(): URL {
    const base = new URL(baseUrl, readLocation()?.href)
    if (!base.pathname.endsWith('/')) base.pathname += '/'
    return base
  }

  async function call(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const target = input instanceof Request ? input : new URL(input, readLocation()?.href)
    const address = target instanceof Request ? target.url : target.href
    const base = findBase()
    if (!address.startsWith(base.href)) return await fetch(target, init)
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}))
    const origin = readLocation()?.origin ?? base.origin
    if (origin === base.origin) headers.set('x-csrf', '1')
    const asked = { ...init, headers, credentials: 'include' } as const
    const response = await fetch(target, asked).catch(error => {
      if (!init?.signal?.aborted) hearNothing()
      throw error
    })
    hear(address.slice(base.href.length), response)
    return response
  }

  async function read<T>(path: string, init?: RequestInit): Promise<Read<T>> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), ANSWER_MS)
    try {
      const response = await call(url(path), { ...init, signal: deadline.signal })
      if (!response.ok) throw await readFault(response)
      return { value: (await response.json()) as T, at: readTime(response) }
    } catch (cause) {
      if (cause instanceof Fault) throw cause
      if (deadline.signal.aborted) hearNothing()
      throw new Fault('fhirstorm does not answer.', { kind: 'network', cause })
    } finally {
      clearTimeout(timer)
    }
  }
}
