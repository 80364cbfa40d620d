// What a client waits for has an end: where the browser refuses what tabs share, as it does in a frame
// without storage of its own, where nobody answers, and where a listener of the page throws.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createClient, Fault } from '../../client/index.ts'
import { startPrepared } from './prepared.ts'
import { buildSession } from './session.ts'

/** Lets the answers of this process come. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await nextTurn()
}

/** A member of the page, replaced until the end of the test. */
function replace(t: TestContext, owner: object, name: string, value: unknown): void {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  Object.defineProperty(owner, name, { value, configurable: true, writable: true })
  t.after(() => {
    if (before) Object.defineProperty(owner, name, before)
    else Reflect.deleteProperty(owner, name)
  })
}

const denied = () => new DOMException('Access is denied in this context.', 'SecurityError')

test('[K17, EV1] a tab that is given no lock and no channel listens by itself, and asks for the lock once', async t => {
  const server = await startPrepared()
  server.sessions = [buildSession()]
  t.after(() => server.stop())
  let asked = 0
  const request = async () => {
    // So that a client that asks without end is no test without one.
    if (++asked > 50) return await new Promise(() => undefined)
    throw denied()
  }
  replace(t, navigator, 'locks', { request })
  replace(
    t,
    globalThis,
    'BroadcastChannel',
    class {
      constructor() {
        throw denied()
      }
    },
  )
  const client = createClient({ baseUrl: server.url })
  const known = Promise.withResolvers<void>()
  const stop = client.store.subscribe(() => {
    if (client.store.getSnapshot().state === 'known') known.resolve()
  })
  await nextTurn()
  assert.equal(asked, 1)
  await known.promise
  assert.equal(client.store.getSnapshot().sessions.length, 1)
  stop()
  await turns()
  assert.equal(asked, 1)
})

test('a question that nobody answers ends in a fault, and a stream that does not begin in a question', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const asked: string[] = []
  const fetch = (async (url: URL, { signal }: RequestInit) => {
    asked.push(url.pathname)
    return await new Promise<Response>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  }) as typeof globalThis.fetch
  const client = createClient({ baseUrl: 'https://app.example/', fetch })
  const ended = client.ehrs().then(
    () => undefined,
    (error: unknown) => error,
  )
  await turns()
  t.mock.timers.tick(30_000)
  const fault = await ended
  assert.ok(fault instanceof Fault)
  assert.equal(fault.kind, 'network')
  assert.deepEqual(asked, ['/ehrs'])

  const stop = client.store.subscribe(() => undefined)
  t.after(stop)
  await turns()
  assert.equal(asked.at(-1), '/sessions/events')
  t.mock.timers.tick(30_000)
  await turns()
  assert.equal(asked.at(-1), '/sessions')
  t.mock.timers.tick(30_000)
  await turns()
  assert.equal(client.store.getSnapshot().state, 'unreachable')
})

test('an answer that cannot be read is a fault, not an error of the page', async () => {
  const fetch = (async () => new Response('<p>Log in to this network')) as typeof globalThis.fetch
  const client = createClient({ baseUrl: 'https://app.example/', fetch })
  await assert.rejects(client.sessions(), { name: 'Fault', kind: 'network' })
})

test('a listener that throws keeps nobody else from hearing, and no question from its answer', async t => {
  const sessions = [buildSession()]
  const later: (() => void)[] = []
  replace(t, globalThis, 'setTimeout', (work: () => void) => void later.push(work))
  const fetch = (async ({ pathname }: URL) =>
    pathname === '/sessions'
      ? Response.json(sessions)
      : new Response('', { status: 404 })) as typeof globalThis.fetch
  const client = createClient({ baseUrl: 'https://app.example/', fetch })
  const broken = () => {
    throw new Error('of the page')
  }
  const heard: string[] = []
  const stops = [
    client.store.subscribe(broken),
    client.watch(broken),
    client.watch(({ type }) => heard.push(type)),
  ]
  assert.equal((await client.sessions()).length, 1)
  await turns()
  for (const stop of stops) stop()
  assert.deepEqual(heard, ['sessions'])
  assert.equal(client.store.getSnapshot().state, 'known')
  const thrown = later.filter(work => {
    try {
      work()
      return false
    } catch (error) {
      return /of the page/.test(String(error))
    }
  })
  // The page is told all the same.
  assert.equal(thrown.length, 2)
})
