// Connections that somebody holds without using them: requests that never become whole, headers that
// drip, handshakes that stop, and more connections than one caller, or all callers, may have.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { createServer } from '../../program/server.ts'
import type { ConnectionLimits } from '../../src/limits.ts'
import { createAuthority } from '../network/certificates.ts'
import { connectRaw, type RawClient } from '../network/raw.ts'
import { eventually } from '../world/eventually.ts'

async function start(
  t: TestContext,
  limits: Partial<ConnectionLimits>,
  more: { trustedProxies?: string[]; tls?: { cert: string; key: string } } = {},
): Promise<{ app: FastifyInstance; port: number }> {
  const logger = pino({ level: 'silent' })
  const app = createServer({ logger, trustedProxies: [], limits, ...more })
  app.get('/', async () => 'ok')
  app.post('/text', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  return { app, port: (app.server.address() as { port: number }).port }
}

const post = (path: string, type = 'text/plain') =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\nabc`
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Sends a byte again and again until the connection is gone. */
function drip(client: RawClient, bytes = 'x'): void {
  const timer = setInterval(() => client.send(bytes), 10)
  client.socket.once('close', () => clearInterval(timer))
}

test('[P18, DS1, DS12] a request that is not whole in time is refused, on every path, also one that drips', async t => {
  const { port } = await start(t, { requestMs: 150 })
  const heads = [
    post('/text'),
    post('/nowhere'),
    'POST /text HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na',
    'DELETE /text HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n',
  ]
  await Promise.all(
    [...heads, ...heads].map(async (head, i) => {
      const client = await connectRaw(port)
      client.send(head)
      if (i < 2) drip(client)
      const got = await client.closed()
      assert.match(got, /^HTTP\/1\.1 4\d\d /, head)
      assert.match(got, /connection: close/i)
    }),
  )
})

test('[P18, DS12] an answer that needs no body ends the connection of a request that goes on', async t => {
  const { port } = await start(t, { requestMs: 60_000 })
  const client = await connectRaw(port)
  client.send('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc')
  drip(client)
  const got = await client.closed()
  assert.match(got, /^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*\r\n\r\nok$/i)
})

test('a request that arrives in pieces, but in time, is served, and its connection lives on', async t => {
  const { port } = await start(t, { requestMs: 60_000 })
  const client = await connectRaw(port)
  for (let round = 0; round < 2; round++) {
    const [head = '', body] = [post('/text'), 'x'.repeat(97)]
    for (const piece of [head.slice(0, 30), head.slice(30), body.slice(0, 50), body.slice(50)]) {
      client.send(piece)
      await new Promise(done => setTimeout(done, 5))
    }
    await client.until(new RegExp(`(?:200 OK[\\s\\S]*){${round + 1}}`))
  }
  assert.ok(!client.socket.destroyed)
  client.socket.destroy()
})

test('[P18, DS1, DS12] headers that drip and connections that say nothing are ended in time', async t => {
  const { port } = await start(t, { headersMs: 200 })
  const dripping = await connectRaw(port)
  dripping.send('GET / HTTP/1.1\r\nX-Slow: ')
  drip(dripping)
  const silent = await connectRaw(port)
  assert.match(await dripping.closed(), /^HTTP\/1\.1 408 [\s\S]*"request_timeout"/)
  await silent.closed()
})

/** Whether a new connection is served; it stays open. */
async function isServed(port: number, from?: string): Promise<RawClient | undefined> {
  const client = await connectRaw(port, '127.0.0.1', from)
  client.send(get)
  return await client.until(/ok$/).then(
    () => client,
    () => undefined,
  )
}

async function fill(port: number, count: number, from?: string): Promise<RawClient[]> {
  const served = await Promise.all(Array.from({ length: count }, () => isServed(port, from)))
  return served.filter(client => client !== undefined)
}

test('[DS1] one address has its share of the connections; what it gives back it may have again', async t => {
  const { app, port } = await start(t, { perAddress: 3 })
  const clients = await fill(port, 10)
  assert.equal(clients.length, 3)
  assert.ok(await isServed(port, '127.0.0.2'))
  const [first] = clients as [RawClient]
  first.socket.destroy()
  assert.ok(await eventually(async () => (await countConnections(app)) === 3))
  assert.ok(await isServed(port))
  assert.equal(await isServed(port), undefined)
})

test('[DS1] a proxy in front speaks for everybody and has no share', async t => {
  const { port } = await start(t, { perAddress: 2 }, { trustedProxies: ['127.0.0.2/32'] })
  assert.equal((await fill(port, 5, '127.0.0.2')).length, 5)
  assert.equal((await fill(port, 5)).length, 2)
})

test('[DS1] when there are too many in all, those that wait between two requests make room', async t => {
  const { app, port } = await start(t, { all: 5, perAddress: 4 })
  assert.equal((await fill(port, 4)).length, 4)
  const seen = once(app.server, 'request')
  const busy = await connectRaw(port, '127.0.0.1', '127.0.0.2')
  busy.send(post('/text'))
  await seen
  assert.equal(await isServed(port, '127.0.0.3'), undefined)
  assert.ok(await eventually(async () => (await countConnections(app)) === 1))
  assert.ok(await isServed(port, '127.0.0.3'))
  assert.ok(!busy.socket.destroyed)
})

test('[DS1, DS12] the share holds before TLS, and a handshake that stops is ended', async t => {
  const authority = createAuthority()
  const limits = { perAddress: 2, handshakeMs: 200 }
  const { port } = await start(t, limits, { tls: authority.issue('DNS:localhost') })
  const stopped = await Promise.all([connectRaw(port), connectRaw(port)])
  const over = await connectRaw(port)
  await over.closed()
  for (const client of stopped) await client.closed()
  const socket = connectTls({ port, host: '127.0.0.1', ca: authority.ca, servername: 'localhost' })
  await once(socket, 'secureConnect')
  socket.write(get)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /)
  socket.destroy()
})

const countConnections = (app: FastifyInstance) =>
  promisify(app.server.getConnections).call(app.server)
