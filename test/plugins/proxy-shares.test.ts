// What one user may take of the proxy, while another goes on: requests, event streams, memory.

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { answer } from '../network/fake-ehr.ts'
import { connectRaw, exchangeRaw, type RawClient } from '../network/raw.ts'
import { until } from '../world/eventually.ts'
import { otherId, ours, type Rig, sessionId, useRig } from './proxy-rig.ts'

const share = { user: 3, ehr: 12, all: 24 }
const json = 'Content-Type: application/fhir+json'

const events = (rig: Rig) => rig.raw('GET /$events', ['Accept: text/event-stream'])
const asOther = (bytes: string) => bytes.replaceAll(sessionId, otherId)

/** Opens streams one after the other; gives those that were let in. */
async function openEvents(rig: Rig, count: number): Promise<{ open: RawClient[]; last: string }> {
  const open: RawClient[] = []
  let last = ''
  for (let i = 0; i < count; i++) {
    const client = await connectRaw(rig.port)
    client.send(events(rig))
    last = await client.until(/\r\n\r\n/)
    if (last.startsWith('HTTP/1.1 200 ')) open.push(client)
  }
  return { open, last }
}

describe('shares', () => {
  const rig = useRig({
    limits: {
      ...{ inFlight: share, events: share, heldBodyMs: 600 },
      heldBytes: { user: 30_000, ehr: 90_000, all: 180_000 },
    },
  })
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.ehr.handler = request =>
      request.head.includes('text/event-stream')
        ? void request.socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n')
        : void answer(request, { body: '{}' })
  })

  test('[DS11] event streams of one user take no places of requests, and none of other users', async () => {
    const { open, last } = await openEvents(rig, 6)
    assert.equal(open.length, 3)
    assert.match(last, /^HTTP\/1\.1 429 [\s\S]*retry-after: 1[\s\S]*too_many_requests/i)
    assert.equal(rig.ehr.requests.length, 6)
    await until(() => rig.ehr.requests.slice(3).every(({ socket }) => socket.destroyed))
    for (let i = 0; i < 5; i++) assert.equal((await rig.call('/Patient/1')).status, 200)
    const other = await connectRaw(rig.port)
    other.send(asOther(events(rig)))
    assert.match(await other.until(/\r\n\r\n/), /^HTTP\/1\.1 200 /)
    for (const client of [...open, other]) client.socket.destroy()
    await until(() => rig.ehr.requests.every(({ socket }) => socket.destroyed))
    const again = await openEvents(rig, 3)
    assert.equal(again.open.length, 3)
    for (const client of again.open) client.socket.destroy()
  })

  test('[P17, DS11] uploads of one user that drip take no memory of others, and end in time', async () => {
    const upload = rig.raw(
      'POST /Patient',
      [json, 'Content-Length: 14000'],
      `"${'x'.repeat(13_000)}`,
    )
    const clients = await Promise.all([1, 2, 3].map(() => connectRaw(rig.port)))
    for (const client of clients) {
      client.send(upload)
      const timer = setInterval(() => client.send('x'), 50)
      client.socket.once('close', () => clearInterval(timer))
    }
    const refused = await Promise.race(clients.map(client => client.until(/\r\n\r\n/)))
    assert.match(refused, /^HTTP\/1\.1 429 [\s\S]*too_many_requests/)
    const body = JSON.stringify({ resourceType: 'Patient', text: 'x'.repeat(20_000) })
    const write = rig.raw('POST /Patient', [json, `Content-Length: ${body.length}`], body)
    assert.match(await exchangeRaw(rig.port, asOther(write)), /^HTTP\/1\.1 200 /)
    const ends = await Promise.all(clients.map(client => client.closed()))
    const statuses = ends.map(text => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])).sort()
    for (const status of statuses) assert.ok([408, 429, 503].includes(status), `${status}`)
    assert.match(await exchangeRaw(rig.port, write), /^HTTP\/1\.1 200 /)
  })

  test('[DS5, DS11] an EHR that answers nothing costs each user a share, and its places come back', async () => {
    rig.ehr.handler = () => undefined
    const clients = await Promise.all(Array.from({ length: 5 }, () => connectRaw(rig.port)))
    for (const client of clients) client.send(rig.raw('GET /Patient/1'))
    const refused = await Promise.race(clients.map(client => client.until(/\r\n\r\n/)))
    assert.match(refused, /^HTTP\/1\.1 429 /)
    await until(() => rig.ehr.requests.length === 3)
    const other = await connectRaw(rig.port)
    other.send(asOther(rig.raw('GET /Patient/1')))
    await until(() => rig.ehr.requests.length === 4)
    for (const client of [...clients, other]) client.socket.destroy()
    await until(() => rig.ehr.requests.every(({ socket }) => socket.destroyed))
    rig.ehr.handler = request => answer(request, { body: '{}' })
    for (let i = 0; i < 5; i++) assert.equal((await rig.call('/Patient/1')).status, 200)
  })
})

describe('memory for answers', () => {
  const rig = useRig({ limits: { heldBytes: { user: 20_000, ehr: 100_000, all: 100_000 } } })

  test('[DS11, DS13] answers beyond it pass as they come, whole and rewritten', async () => {
    const body = JSON.stringify({ fullUrl: `${rig.base}/Patient/1`, text: 'x'.repeat(9_000) })
    const waiting: (() => void)[] = []
    rig.ehr.handler = request => {
      const head = `HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: ${body.length}\r\n\r\n`
      request.socket.write(head + body.slice(0, 1))
      waiting.push(() => request.socket.write(body.slice(1)))
    }
    const calls = Array.from({ length: 4 }, () => rig.call('/Patient/1'))
    await until(() => waiting.length === 4)
    // Two are held; the others have begun already.
    for (const go of waiting) go()
    const answers = await Promise.all(calls)
    const told = answers.filter(({ headers }) => headers['content-length'] !== undefined)
    assert.equal(told.length, 2)
    for (const { text } of answers) assert.equal(text, body.replace(rig.base, ours))
    rig.ehr.handler = request => answer(request, { body })
    const again = await rig.call('/Patient/1')
    assert.equal(again.headers['content-length'], String(again.text.length))
  })
})

describe('the shares of the product', () => {
  const rig = useRig()

  test('a page that reads sixty-four resources at once gets them all', async () => {
    let waiting: (() => void)[] = []
    rig.ehr.handler = request => {
      waiting.push(() => answer(request, { body: '{}' }))
      if (waiting.length < 64) return
      for (const go of waiting) go()
      waiting = []
    }
    const reads = Array.from({ length: 64 }, (_, i) => rig.call(`/Patient/${i}`))
    for (const { status } of await Promise.all(reads)) assert.equal(status, 200)
  })
})
