import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { beforeEach, describe, test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { answer, type EhrRequest } from '../network/fake-ehr.ts'
import { connectRaw, exchangeRaw } from '../network/raw.ts'
import { until } from '../world/eventually.ts'
import { measureHeld } from '../world/held-memory.ts'
import { sessionId, useRig } from './proxy-rig.ts'

const wait = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Writes for ever, as fast as the reader takes it; returns how much was written so far. */
function pour({ socket }: EhrRequest, type = 'image/png'): () => number {
  let written = 0
  const piece = Buffer.alloc(64 * 1024, 'x')
  const head = Buffer.from(`${piece.length.toString(16)}\r\n`)
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`)
  const more = () => {
    while (!socket.destroyed) {
      written += piece.length
      if (!socket.write(Buffer.concat([head, piece, Buffer.from('\r\n')]))) break
    }
  }
  socket.on('drain', more)
  more()
  return () => written
}

const closing = (socket: Socket) =>
  socket.destroyed ? Promise.resolve() : new Promise(resolve => socket.once('close', resolve))

describe('streams', () => {
  const rig = useRig({
    limits: { stallMs: 600, idleMs: 400, inFlight: { user: 3, ehr: 6, all: 12 } },
  })
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.records.length = 0
  })

  test('[R14, R22] a client that stops reading stops the EHR, and is cut after a while', async () => {
    let written = () => 0
    rig.ehr.handler = request => {
      written = pour(request)
    }
    const client = await connectRaw(rig.port)
    client.socket.pause()
    client.send(rig.raw('GET /Binary/1'))
    await until(() => rig.ehr.requests.length === 1)
    const { socket } = rig.ehr.requests[0] as EhrRequest
    const most = 64 * 1024 * 1024
    await until(() => socket.destroyed || written() > most)
    assert.ok(written() < most, 'no more flows than buffers take while nobody reads')
    client.socket.resume()
    await client.closed()
    await until(() => rig.records.length === 1)
    assert.equal(rig.records[0]?.aborted, true)
  })

  test('[R14] memory stays flat through a great answer to a slow reader', async () => {
    const target = 200 * 1024 * 1024
    let written = () => 0
    rig.ehr.handler = request => {
      written = pour(request, 'application/fhir+ndjson')
    }
    const client = await connectRaw(rig.port)
    let read = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', chunk => {
      read += chunk.length
      client.socket.pause()
      setImmediate(() => client.socket.resume())
    })
    client.send(rig.raw('GET /$export-file'))
    await until(() => read > target / 10)
    const before = measureHeld()
    await until(() => read > target)
    const grown = measureHeld() - before
    assert.ok(grown < 32 * 1024 * 1024, `${Math.round(grown / 1024 / 1024)} MiB more`)
    assert.ok(written() - read < 32 * 1024 * 1024, 'the EHR is no further than buffers go')
    client.socket.destroy()
    await closing((rig.ehr.requests[0] as EhrRequest).socket)
  })

  test('[P19] a client that leaves takes the upstream with it, before and within the answer', async () => {
    rig.ehr.handler = () => undefined
    const early = await connectRaw(rig.port)
    early.send(rig.raw('GET /Patient/1'))
    await until(() => rig.ehr.requests.length === 1)
    early.socket.destroy()
    await closing((rig.ehr.requests[0] as EhrRequest).socket)
    rig.ehr.handler = request => void pour(request)
    const late = await connectRaw(rig.port)
    late.send(rig.raw('GET /Binary/1'))
    await late.until(/xxx/)
    late.socket.destroy()
    await closing((rig.ehr.requests[1] as EhrRequest).socket)
    await until(() => rig.records.length === 2)
    assert.ok(rig.records.every(({ aborted }) => aborted))
  })

  test('[DS5, R13] more than a user may have in flight are told to wait; slots come back', async () => {
    rig.ehr.handler = () => undefined
    const clients = await Promise.all([1, 2, 3].map(() => connectRaw(rig.port)))
    for (const client of clients) client.send(rig.raw('GET /Patient/1'))
    await until(() => rig.ehr.requests.length === 3)
    const got = await exchangeRaw(rig.port, rig.raw('GET /Patient/1'))
    assert.match(got, /^HTTP\/1\.1 429 [\s\S]*retry-after: 1[\s\S]*too_many_requests/i)
    assert.equal(rig.ehr.requests.length, 3)
    for (const client of clients) client.socket.destroy()
    rig.ehr.handler = request => answer(request, { body: '{}' })
    await Promise.all(rig.ehr.requests.map(({ socket }) => closing(socket)))
    for (let i = 0; i < 5; i++) assert.equal((await rig.call('/Patient/1')).status, 200)
  })

  test('events pass at once, and silence between them means nothing', async () => {
    let send = (_: string) => {}
    rig.ehr.handler = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n')
      send = text => void socket.write(text)
    }
    const client = await connectRaw(rig.port)
    client.send(rig.raw('GET /$events', ['Accept: text/event-stream']))
    await client.until(/text\/event-stream[\s\S]*\r\n\r\n/)
    send('data: 1\n\n')
    await client.until(/data: 1\n\n/)
    await wait(700)
    send('data: 2\n\n')
    await client.until(/data: 2\n\n/)
    client.socket.destroy()
  })

  test('[K5, K19] when a session ends, its streams are cut within a second, and no others', async () => {
    rig.ehr.handler = request => {
      request.socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n')
    }
    const own = await connectRaw(rig.port)
    own.send(rig.raw('GET /$events'))
    const other = await connectRaw(rig.port)
    other.send(rig.raw('GET /$events').replaceAll(sessionId, 'BBBBBBBBBBBBBBBBBBBBBB'))
    await Promise.all([own.until(/data: 1/), other.until(/data: 1/)])
    const session = rig.sessions.get(sessionId)
    rig.sessions.delete(sessionId)
    await own.closed()
    assert.ok(!own.received().endsWith('0\r\n\r\n'))
    assert.ok(!other.socket.destroyed)
    other.socket.destroy()
    rig.ehr.handler = () => undefined
    assert.ok(session)
    rig.sessions.set(sessionId, session)
    const waiting = await connectRaw(rig.port)
    waiting.send(rig.raw('GET /Patient/1'))
    await until(() => rig.ehr.requests.length === 3)
    rig.sessions.delete(sessionId)
    assert.match(await waiting.closed(), /^HTTP\/1\.1 401 [\s\S]*session_invalid/)
    rig.sessions.set(sessionId, session)
  })

  test('[PS2] a mistake in looking for ended sessions is noted, and the next look goes on', async () => {
    const store = rig.app.smartSessions
    const { open } = store
    rig.ehr.handler = request => void pour(request)
    const client = await connectRaw(rig.port)
    client.send(rig.raw('GET /Binary/1'))
    await client.until(/200 OK/)
    rig.faults.length = 0
    store.open = async () => {
      throw new TypeError('a mistake')
    }
    await until(() => rig.faults.length >= 2)
    store.open = async () => {
      throw new BrokerError('session_invalid')
    }
    await client.closed()
    store.open = open
  })

  test('a gigantic upload streams with back-pressure', async () => {
    const total = 64 * 1024 * 1024
    rig.ehr.handler = async request => {
      const { socket } = request
      socket.removeAllListeners('data').resume()
      await until(() => socket.bytesRead > total)
      answer(request, { body: '{}' })
    }
    const client = await connectRaw(rig.port)
    client.send(rig.raw('POST /Binary', ['Content-Type: image/png', `Content-Length: ${total}`]))
    const piece = Buffer.alloc(64 * 1024)
    for (let sent = 0; sent < total; sent += piece.length) {
      if (!client.socket.write(piece)) await new Promise(r => client.socket.once('drain', r))
    }
    assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 200 /)
    client.socket.destroy()
  })

  test('[DS9] a thousand clients that leave at any moment leave nothing behind', async () => {
    rig.ehr.handler = request =>
      void setTimeout(() => request.socket.destroyed || answer(request, { body: '{"a":1}' }), 2)
    for (let round = 0; round < 50; round++) {
      const clients = await Promise.all(Array.from({ length: 20 }, () => connectRaw(rig.port)))
      for (const [i, client] of clients.entries()) {
        const bytes = rig.raw('GET /Patient/1')
        client.send(bytes.slice(0, bytes.length - ((i * 7) % 30)))
        setTimeout(() => client.socket.destroy(), (i * round) % 7)
      }
      await Promise.all(clients.map(client => client.closed()))
    }
    rig.ehr.handler = request => answer(request, { body: '{"a":1}' })
    await wait(50)
    for (let i = 0; i < 10; i++) assert.equal((await rig.call('/Patient/1')).text, '{"a":1}')
  })
})

describe('an exchange as a whole', () => {
  const never = 600_000
  const rig = useRig({ limits: { headMs: never, idleMs: never, stallMs: never, totalMs: 1500 } })
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.records.length = 0
  })

  /** Sends a little every moment, so that nothing but the total limit can end it. */
  function drip({ socket }: EhrRequest, type: string): void {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`)
    const timer = setInterval(() => socket.write('2\r\n\n\n\r\n'), 10)
    socket.on('close', () => clearInterval(timer))
  }

  for (const type of ['image/png', 'application/fhir+json', 'text/event-stream']) {
    test(`[R13, R14] ends at its limit, however lively: ${type}`, async () => {
      rig.ehr.handler = request => drip(request, type)
      const client = await connectRaw(rig.port)
      client.send(rig.raw('GET /Binary/1'))
      const received = await client.closed()
      assert.match(received, /^HTTP\/1\.1 200 /)
      assert.ok(!received.endsWith('0\r\n\r\n'), 'broken, and not a short answer')
      await closing((rig.ehr.requests[0] as EhrRequest).socket)
      await until(() => rig.records.length === 1)
      assert.equal(rig.records[0]?.aborted, true)
    })
  }

  test('[R13] is a 504 while nothing has come', async () => {
    rig.ehr.handler = () => undefined
    const { status, refusal } = await rig.call('/Patient/1')
    assert.equal(`${status} ${refusal}`, '504 upstream_timeout')
  })
})
