// A tab and a frame of one browser, for which it keeps two jars of cookies: what one hears is not true of
// the other, though they may share channels and locks.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient, type WatchEvent } from '../../client/index.ts'
import { buildSession } from './session.ts'

/** Makes this process a page in a frame of another one, or a tab. */
function bePage(t: TestContext, around?: string): void {
  const page = globalThis as Record<string, unknown>
  const [href, origin] = ['https://app.example/', 'https://app.example']
  page.location = { href, origin, ancestorOrigins: around === undefined ? [] : [around] }
  page.parent = around === undefined ? globalThis : {}
  t.after(() => {
    for (const name of ['location', 'parent']) Reflect.deleteProperty(page, name)
  })
}

/** A page that watches its one session; there is no stream of events. */
function watch(t: TestContext, id: string): WatchEvent[] {
  const sessions = [buildSession({ id })]
  const fetch = (async ({ pathname }: URL) =>
    pathname === '/sessions'
      ? Response.json(sessions)
      : new Response('', { status: 404 })) as typeof globalThis.fetch
  const client = createClient({ baseUrl: 'https://app.example/', pollSeconds: 0.01, fetch })
  const heard: WatchEvent[] = []
  t.after(client.watch(event => heard.push(event)))
  return heard
}

const endings = (heard: readonly WatchEvent[]) => heard.filter(({ type }) => type === 'ended')

test('[K17, K13] a session of a frame is not over because a tab does not have it, nor the other way round', async t => {
  bePage(t, 'https://ehr.example')
  const inFrame = watch(t, 'AAAAAAAAAAAAAAAAAAAAAA')
  await wait(50)
  bePage(t, 'https://other-ehr.example')
  const inOther = watch(t, 'CCCCCCCCCCCCCCCCCCCCCC')
  await wait(50)
  bePage(t)
  const inTab = watch(t, 'BBBBBBBBBBBBBBBBBBBBBB')
  // The last one asks for its list many times.
  await wait(200)
  for (const heard of [inFrame, inOther, inTab]) {
    assert.ok(heard.length > 0)
    assert.deepEqual(endings(heard), [])
  }
})
