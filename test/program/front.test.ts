// Requests that no route sees, at the port that a front holds: refused as by a server that listens itself. And
// what a front takes for an answer that is waited for.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createFront } from '../../program/front.ts'
import { connectRaw } from '../network/raw.ts'
import { buildBareApp } from '../plugins/alone.ts'
import { type Broker, createBroker } from '../world/broker.ts'
import { findPort } from '../world/port.ts'

let broker: Broker
let port: number
before(async () => {
  port = await findPort()
  broker = createBroker({ app: `http://localhost:${port}`, sandbox: 'http://127.0.0.1:1' })
  await broker.start()
})
after(() => broker.close())

const cases: [title: string, head: string[], expected: RegExp][] = [
  ['CONNECT', ['CONNECT other:443 HTTP/1.1', 'Host: other'], / 405 .*method_not_allowed/s],
  ['what is no HTTP', ['GARBAGE'], / 400 .*bad_request/s],
  [
    'an expectation',
    ['GET /healthz HTTP/1.1', 'Host: HOST', 'Expect: more'],
    / 417 .*expectation_failed/s,
  ],
  [
    'an upgrade',
    ['GET /healthz HTTP/1.1', 'Host: HOST', 'Connection: upgrade, close', 'Upgrade: websocket'],
    / 200 /,
  ],
  [
    'headers too large',
    ['GET / HTTP/1.1', 'Host: HOST', `X: ${'a'.repeat(20_000)}`],
    / 431 .*headers_too_large/s,
  ],
  ['no Host', ['GET /ehrs HTTP/1.1'], / 400 .*bad_request/s],
  [
    'two lengths',
    ['POST /logout HTTP/1.1', 'Host: HOST', 'Transfer-Encoding: chunked', 'Content-Length: 3'],
    / 400 .*bad_request/s,
  ],
]

for (const [title, head, expected] of cases) {
  test(`[G9, P4] ${title} is answered in our own words behind a front`, async () => {
    const client = await connectRaw(port, 'localhost')
    const lines = head.map(line => line.replace('HOST', `localhost:${port}`))
    if (!lines.some(line => line.startsWith('Connection:'))) lines.push('Connection: close')
    client.send(`${lines.join('\r\n')}\r\n\r\n`)
    assert.match(await client.closed(), expected)
  })
}

test('[RL1] an answer is waited for whatever else its caller would take; a stream of events has no end to wait for', async t => {
  const place = { host: '127.0.0.1', port: await findPort() }
  const front = createFront({ trustedProxies: [] })
  const app = buildBareApp()
  let asked = Promise.withResolvers<void>()
  let mayAnswer = Promise.withResolvers<void>()
  app.all('/', async () => {
    asked.resolve()
    await mayAnswer.promise
    return 'whole'
  })
  await app.ready()
  await front.listen(place)
  front.hand(app)
  t.after(() => {
    front.stop()
    front.close()
  })
  for (const [method, accept, isWaitedFor] of [
    ['GET', 'application/fhir+json', true],
    ['GET', 'application/fhir+json, text/event-stream', true],
    ['GET', 'text/event-stream, */*;q=0.1', true],
    ['POST', 'text/event-stream', true],
    ['GET', 'text/event-stream', false],
    ['GET', 'text/event-stream; charset=utf-8', false],
  ] as const) {
    asked = Promise.withResolvers()
    mayAnswer = Promise.withResolvers()
    const answer = fetch(`http://127.0.0.1:${place.port}/`, { method, headers: { accept } })
    await asked.promise
    let isSettled = false
    const settled = front.settled(app, 60_000).then(() => {
      isSettled = true
    })
    await new Promise(setImmediate)
    assert.equal(!isSettled, isWaitedFor, `${method} ${accept}`)
    mayAnswer.resolve()
    await Promise.all([(await answer).text(), settled])
  }
})
