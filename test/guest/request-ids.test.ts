// Names of requests are the host's: whatever it makes of them, or lets callers choose, is an answer's
// header and never a fault.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellId } from '../../src/network/request-id.ts'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { startHost } from './host.ts'

const told: [id: unknown, text: string][] = [
  ['req-1', 'req-1'],
  ['0af7651916cd43dd8448eb211c80319c', '0af7651916cd43dd8448eb211c80319c'],
  ['Kennung → 7', 'Kennung%20%E2%86%92%207'],
  ['a\r\nset-cookie: b', 'a%0D%0Aset-cookie%3A%20b'],
  ['<b>', '%3Cb%3E'],
  ["'*()!~", '______'],
  ['\ud800', '%EF%BF%BD'],
  ['', 'none'],
  [7, '7'],
  [undefined, 'undefined'],
  ['x'.repeat(5_000), 'x'.repeat(256)],
]

test('[G4] an id of a request is told in plain characters, and so many of them', () => {
  for (const [id, text] of told) assert.equal(tellId(id), text)
})

for (const [id, text] of told) {
  test(`[G4] a host whose requests are called ${JSON.stringify(id)?.slice(0, 40)} has a guest that answers`, async t => {
    const host = await startHost(t, { server: { genReqId: () => id as string } })
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(
      { app: host.guest, sandbox: host.sandbox },
      browser,
      'amy-shaw',
    )
    const headers = { 'sec-fetch-site': 'same-origin' }
    const events = await fetch(`${host.guest}/sessions/events`, { headers })
    await events.body?.cancel()
    const answers = [
      await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`),
      await browser.fetch(`${host.guest}/sessions`),
      await browser.fetch(`${host.guest}/nowhere`),
    ]
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 404],
    )
    for (const { headers } of [...answers, events]) assert.equal(headers.get('x-request-id'), text)
    assert.equal(answers[2]?.json<{ requestId: string }>().requestId, text)
  })
}
