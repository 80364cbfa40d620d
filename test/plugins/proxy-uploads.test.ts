// Bodies on their way to the EHR: their framing, their size, callers that stall or leave.

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { answer, type EhrRequest } from '../network/fake-ehr.ts'
import { connectRaw, exchangeRaw } from '../network/raw.ts'
import { useRig } from './proxy-rig.ts'

describe('what is sent with a body', () => {
  const rig = useRig({
    limits: {
      ...{ maxBodyBytes: 100_000, documentBytes: 20_000, formBytes: 19_000 },
      ...{ heldBytes: { user: 30_000, ehr: 60_000, all: 120_000 }, bodyIdleMs: 300 },
    },
  })
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.ehr.handler = async request => {
      const body = await request.body()
      answer(request, { headers: { 'content-type': 'text/plain' }, body })
    }
  })
  const only = (): EhrRequest => {
    const [request] = rig.ehr.requests
    assert.ok(request && rig.ehr.requests.length === 1, `${rig.ehr.requests.length} requests`)
    return request
  }
  const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
  /** The status alone, without the second for which a refused upload lingers. */
  const soon = async (bytes: string): Promise<number> => {
    const client = await connectRaw(rig.port)
    client.send(bytes)
    const head = await client.until(/\r\n\r\n/)
    client.socket.destroy()
    return statusOf(head)
  }

  test('[P15] ambiguous framing is refused and the connection closed', async () => {
    const type = 'Content-Type: text/plain'
    const rows: string[][] = [
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: xchunked'],
      ['Transfer-Encoding: chunked, identity'],
      ['Content-Length: 4', 'Content-Length: 5'],
      ['Content-Length: +4'],
      ['Content-Length : 4'],
      ['Content-Length: 4', ' folded'],
    ]
    for (const headers of rows) {
      const bytes = rig.raw('POST /Binary', [type, ...headers], '0\r\n\r\nGET /x HTTP/1.1\r\n\r\n')
      assert.equal(statusOf(await exchangeRaw(rig.port, bytes)), 400, headers.join())
    }
    assert.equal(rig.ehr.requests.length, 0)
    const chunked = rig.raw('POST /Binary', [type, 'Transfer-Encoding: chunked'])
    const bare = rig.raw('POST /Binary', [type, 'Content-Length: 4'], 'abcd')
    const whole: string[] = [
      bare.replace('\r\nContent-Length', '\nContent-Length'),
      bare.replace('\r\n\r\n', '\n\n'),
      ...['1;a=\nb\r\nx', '1;\r\nx', '1\nx', '-1\r\nx', '0x1\r\nx', '1 \r\nx', '1\r\nxx'].map(
        chunk => `${chunked}${chunk}\r\n0\r\n\r\n`,
      ),
    ]
    for (const bytes of whole) {
      const got = await exchangeRaw(rig.port, bytes)
      assert.equal(statusOf(got), 400, JSON.stringify(bytes.slice(-60)))
    }
    // What had begun to cross when its framing broke is cut, never ended.
    for (const begun of rig.ehr.requests) await assert.rejects(begun.body())
  })

  test('[P16] a body where none belongs is refused', async () => {
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const bytes = rig.raw(
        `${method} /Patient/1`,
        ['Content-Type: text/plain', 'Content-Length: 3'],
        'abc',
      )
      assert.equal(statusOf(await exchangeRaw(rig.port, bytes)), 400, method)
    }
    const empty = rig.raw('DELETE /Patient/1', ['Content-Length: 0'])
    assert.equal(statusOf(await exchangeRaw(rig.port, empty)), 200)
    assert.equal(only().method, 'DELETE')
  })

  test('[P30] a search form has a size', async () => {
    const head = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 19001']
    assert.equal(await soon(rig.raw('POST /Patient/_search', head)), 413)
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P17] a body over the limit is refused, counted where its length is not told', async () => {
    const binary = ['Content-Type: image/png']
    const told = rig.raw('POST /Binary', [...binary, 'Content-Length: 100001'])
    assert.equal(await soon(told), 413)
    assert.equal(rig.ehr.requests.length, 0)
    const document = ['Content-Type: application/fhir+json', 'Content-Length: 20001']
    assert.equal(await soon(rig.raw('POST /Patient', document)), 413)
    const client = await connectRaw(rig.port)
    client.send(rig.raw('POST /Binary', [...binary, 'Transfer-Encoding: chunked']))
    const chunk = `3e8\r\n${'x'.repeat(1000)}\r\n`
    client.send(chunk)
    while (rig.ehr.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    for (let i = 0; i < 120; i++) client.send(chunk)
    const got = await client.closed()
    assert.equal(statusOf(got), 413)
    const cut = only()
    await assert.rejects(cut.body(), 'the upstream request was cut, not ended')
  })

  test('[P17] memory for held bodies is bounded: one more is told to wait', async () => {
    const clients = await Promise.all([1, 2].map(() => connectRaw(rig.port)))
    const headers = ['Content-Type: application/fhir+json', 'Content-Length: 19000']
    for (const client of clients)
      client.send(rig.raw('POST /Patient', headers, `"${'x'.repeat(18_000)}`))
    const refused = await Promise.race(clients.map(client => client.until(/\r\n\r\n/)))
    assert.equal(statusOf(refused), 429)
    assert.match(refused, /too_many_requests/)
    for (const client of clients) client.socket.destroy()
  })

  test('[P18] a body that stalls or drips is a 408, before and after it began to cross', async () => {
    const kinds = [
      ['/Patient', 'application/fhir+json'],
      ['/Binary', 'image/png'],
    ] as const
    const rows = kinds.flatMap(([path, type]) =>
      [false, true].map(drips => ({ path, type, drips })),
    )
    const ends = rows.map(async ({ path, type, drips }) => {
      const client = await connectRaw(rig.port)
      const head = [`Content-Type: ${type}`, 'Content-Length: 10000']
      client.send(rig.raw(`POST ${path}`, head, '"abc'))
      const drip = setInterval(() => drips && client.send('x'), 20)
      client.socket.once('close', () => clearInterval(drip))
      assert.equal(statusOf(await client.closed()), 408, `${path}, ${drips}`)
    })
    await Promise.all(ends)
    assert.deepEqual(
      rig.ehr.requests.map(({ path }) => path),
      ['/fhir/r4/Binary', '/fhir/r4/Binary'],
    )
    for (const cut of rig.ehr.requests) await assert.rejects(cut.body())
  })

  test('[P19] a client that leaves in the middle of its upload takes the upstream with it', async () => {
    const client = await connectRaw(rig.port)
    client.send(rig.raw('POST /Binary', ['Content-Type: image/png', 'Content-Length: 1000'], 'abc'))
    while (rig.ehr.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    client.socket.destroy()
    await assert.rejects(only().body())
    assert.equal((await rig.call('/Patient/1')).status, 200)
  })

  test('[K5, K19] nothing is sent of a session that ended while its body was on its way', async () => {
    const opened = Promise.withResolvers<void>()
    const { get } = rig.sessions
    const [[id = '', open] = []] = rig.sessions
    rig.sessions.get = id => {
      opened.resolve()
      return get.call(rig.sessions, id)
    }
    const client = await connectRaw(rig.port)
    const head = ['Content-Type: application/fhir+json', 'Content-Length: 4']
    client.send(rig.raw('POST /Observation', head, '{'))
    await opened.promise
    rig.sessions.delete(id)
    client.send(' }\n')
    const got = await client.until(/\r\n\r\n/)
    if (open) rig.sessions.set(id, open)
    assert.equal(statusOf(got), 401)
    assert.match(got, /session_invalid/)
    assert.equal(rig.ehr.requests.length, 0)
    Reflect.deleteProperty(rig.sessions, 'get')
    client.socket.destroy()
  })

  test('[P20] an early answer passes, and the rest of the upload is no further request', async () => {
    rig.ehr.handler = request => answer(request, { status: 413, body: '{"early":true}' })
    const client = await connectRaw(rig.port)
    const smuggled = rig.raw('DELETE /Patient/victim')
    client.send(
      rig.raw('POST /Binary', ['Content-Type: image/png', 'Content-Length: 90000'], 'abc'),
    )
    const got = await client.until(/"early":true/)
    assert.equal(statusOf(got), 413)
    assert.match(got, /connection: close/i)
    client.send(smuggled)
    client.send('x'.repeat(1000))
    await client.closed()
    assert.equal(rig.ehr.requests.length, 1)
  })
})
