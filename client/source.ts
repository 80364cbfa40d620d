// Where events come from: the stream that fhirstorm offers at /sessions/events, and where there is none
// the list of sessions, asked for again and again. Neither keeps a session alive.
//
// The stream's events have JSON as their data: `sessions` (first; the list), `ended` { id, reason },
// `expiring` { id }, `renewed` { id, at, tokenExpiresAt }, `ehr` { ehr, state: 'down' | 'up' }.

import { ANSWER_MS, type Caller } from './call.ts'
import { readTime } from './clock.ts'
import type { SessionDocument } from './document.ts'
import { readEvents, type ServerEvent } from './server-events.ts'
import type { WatchEvent } from './watched.ts'

export interface SourceOptions {
  caller: Caller
  tell(event: WatchEvent): void
  /** Asks for the list of sessions and tells it, or that fhirstorm does not answer. */
  ask(): Promise<void>
  pollSeconds: number
}

const SILENCE_MS = 90_000
const MAX_PAUSE_MS = 30_000

/** Listens until the signal ends it; a stream that breaks is taken up again after a pause that grows. */
export async function listen(options: SourceOptions, signal: AbortSignal): Promise<void> {
  let breaks = 0
  while (!signal.aborted) {
    const outcome = await follow(options, signal, () => {
      breaks = 0
    }).catch(() => 'broken' as const)
    if (signal.aborted) return
    if (outcome === 'absent') return await poll(options, signal)
    await options.ask()
    const longest = Math.min(MAX_PAUSE_MS, 1_000 * 2 ** breaks++)
    await pause(longest * (0.5 + Math.random() / 2), signal)
  }
}

/** Reads the stream to its end, which may be far; but its answer has to begin in time. */
async function follow(
  options: SourceOptions,
  signal: AbortSignal,
  onEvent: () => void,
): Promise<'absent' | 'broken'> {
  const stream = new AbortController()
  const stop = () => stream.abort()
  const timer = setTimeout(stop, ANSWER_MS)
  signal.addEventListener('abort', stop)
  try {
    const { caller } = options
    const response = await caller.fetch(caller.url('sessions/events'), {
      headers: { accept: 'text/event-stream' },
      cache: 'no-store',
      signal: stream.signal,
    })
    clearTimeout(timer)
    return await read(response, options, onEvent)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/** `absent` is an answer that is no stream. */
async function read(
  response: Response,
  { tell }: SourceOptions,
  onEvent: () => void,
): Promise<'absent' | 'broken'> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  if (!response.ok || !isStream || response.body === null) {
    await response.body?.cancel()
    return response.status === 429 || response.status >= 500 ? 'broken' : 'absent'
  }
  const at = readTime(response)
  for await (const event of readEvents(response.body, SILENCE_MS)) {
    onEvent()
    const told = readEvent(event, at)
    if (told !== undefined) tell(told)
  }
  return 'broken'
}

async function poll({ ask, pollSeconds }: SourceOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ask()
    await pause(pollSeconds * 1_000, signal)
  }
}

/** An event of the stream; undefined for those that are not known here. */
export function readEvent({ type, data }: ServerEvent, at: number): WatchEvent | undefined {
  const value = JSON.parse(data)
  switch (type) {
    case 'sessions':
      return { type, sessions: value as SessionDocument[], at }
    case 'ended':
      return { type, id: value.id, reason: value.reason }
    case 'expiring':
      return { type, id: value.id }
    case 'renewed':
      return { type, id: value.id, at: value.at, tokenExpiresAt: value.tokenExpiresAt }
    case 'ehr':
      return { type, ehr: value.ehr, isDown: value.state === 'down' }
    default:
      return undefined
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
}
