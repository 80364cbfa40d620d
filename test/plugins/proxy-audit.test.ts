// The proxy and the audit: each call has its event; where nothing may be acknowledged that is not recorded
// the answer waits for it, and nothing of the EHR's is sent without; otherwise nothing ever waits.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createHeldSink, type HeldSink, requestIdOf, summarize } from '../audit/held-sink.ts'
import { answer } from '../network/fake-ehr.ts'
import { type Called, type Rig, useRig } from './proxy-rig.ts'

const SECRET = '{"resourceType":"Patient","id":"amy"}'

suite('recording in passing', () => {
  const sink = createHeldSink()
  const rig = useRig({ audit: { sink } })

  test('[G8] each call has one event with its interaction, its outcome and its request id', async () => {
    const asked: [string, string, number, string][] = [
      ['GET', '/Patient/amy', 200, 'read 0'],
      ['HEAD', '/Patient/amy', 200, 'read 0'],
      ['GET', '/Observation?patient=amy', 200, 'search-type 0'],
      ['GET', '/Patient/none', 404, 'read 4'],
      ['GET', '/Patient/broken', 500, 'read 8'],
      ['GET', '/Patient/same', 304, 'read 0'],
      ['DELETE', '/Observation/1', 204, 'delete 0'],
    ]
    for (const [method, path, status, told] of asked) {
      rig.ehr.handler = request => answer(request, { status, body: status === 204 ? '' : SECRET })
      if (method === 'HEAD') {
        rig.ehr.handler = ({ socket }) =>
          void socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n\r\n')
      }
      const called = await rig.call(path, { method })
      const events = await sink.next(1)
      assert.deepEqual(events.map(summarize), [told], path)
      assert.equal(requestIdOf(events[0] ?? {}), called.headers['x-request-id'])
    }
  })

  test('[G8] a creation is told with what the EHR made of it', async () => {
    rig.ehr.handler = async request => {
      await request.body()
      const location = `${rig.base}/Observation/9/_history/1`
      answer(request, { status: 201, headers: { location }, body: SECRET })
    }
    await rig.call('/Observation', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json' },
      body: '{"resourceType":"Observation"}',
    })
    const events = await sink.next(1)
    assert.deepEqual(events.map(summarize), ['create 0'])
    assert.ok(JSON.stringify(events).includes(`"${rig.base}/Observation/9/_history/1"`))
  })

  test('[G8] parameters of a search that came as a form are those of its event', async () => {
    rig.ehr.handler = async request => {
      await request.body()
      answer(request, { body: SECRET })
    }
    await rig.call('/Observation/_search', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'patient=ben&code=718-7',
    })
    const events = await sink.next(1)
    assert.deepEqual(events.map(summarize), ['search-type 0'])
    assert.ok(JSON.stringify(events).includes(`${rig.base}/Patient/ben`))
  })

  test('[G8] what we refuse ourselves, and what nobody answers, is told by its code', async () => {
    const headers = { 'content-type': 'application/fhir+json; charset=odd' }
    rig.ehr.handler = request => answer(request, { headers, body: SECRET })
    assert.equal((await rig.call('/Patient/amy')).status, 502)
    rig.ehr.handler = ({ socket }) => void socket.destroy()
    assert.equal((await rig.call('/Observation', { method: 'DELETE' })).status, 502)
    rig.ehr.handler = request => answer(request, { status: 401 })
    assert.equal((await rig.call('/Patient/amy')).status, 401)
    const events = await sink.next(3)
    assert.deepEqual(events.map(summarize), ['read 0', 'delete 8', 'read 4'])
    assert.deepEqual(
      events.map(event => event.outcomeDesc),
      [
        // That the EHR gave it is what happened.
        undefined,
        'upstream_broken',
        'upstream_unauthorized',
      ],
    )
  })

  test('[G8] a caller who leaves before there is an answer is told, too', async () => {
    const asked = Promise.withResolvers<void>()
    rig.ehr.handler = () => asked.resolve()
    const socket = connect(rig.port, '127.0.0.1')
    socket.write(rig.raw('GET /Patient/amy'))
    await asked.promise
    socket.destroy()
    const [event] = await sink.next(1)
    assert.deepEqual([summarize(event ?? {}), event?.outcomeDesc], ['read 4', 'broken_off'])
  })

  test('[G8] a sink that keeps everybody waiting, or takes nothing, delays and refuses nothing', async () => {
    rig.ehr.handler = request => answer(request, { body: SECRET })
    rig.audited.splice(0)
    for (const mode of ['hold', 'refuse'] as const) {
      sink.mode = mode
      const { status, text } = await rig.call('/Patient/amy')
      assert.deepEqual([status, text], [200, SECRET])
      while (sink.held() === 0 || (mode === 'refuse' && rig.audited.length === 0)) await turn()
    }
    sink.release()
    assert.deepEqual((await sink.next(1)).map(summarize), ['read 0'])
    await turn()
    assert.deepEqual(rig.audited, ['lost', 'recorded'])
  })
})

suite('recording or refusing', () => {
  const sink = createHeldSink()
  const rig = useRig({ audit: { sink, failClosed: true } })

  test('[G8] nothing of an answer is sent before it is recorded, whatever it consists of', async () => {
    const answers: [method: string, handler: Rig['ehr']['handler'], text: string][] = [
      ['GET', request => answer(request, { body: SECRET }), SECRET],
      ['GET', ({ socket }) => void socket.write(chunked('x'.repeat(200_000))), 'x'.repeat(200_000)],
      ['GET', request => answer(request, { status: 304 }), ''],
      ['GET', request => answer(request, { headers: { 'content-type': '' } }), ''],
      [
        'HEAD',
        ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'),
        '',
      ],
    ]
    for (const [method, handler, text] of answers) {
      rig.ehr.handler = handler
      sink.mode = 'hold'
      const { isAnswered, called } = begin(rig.call('/Patient/amy', { method }))
      await untilHeld(sink, 1)
      for (let i = 0; i < 50; i++) await turn()
      assert.equal(isAnswered(), false, method)
      sink.release()
      assert.equal((await called).text, text)
      // The connection is as good as before.
      rig.ehr.handler = request => answer(request, { body: SECRET })
      assert.equal((await rig.call('/Patient/amy')).text, SECRET)
      assert.deepEqual(sink.drain().map(summarize), ['read 0', 'read 0'])
    }
  })

  test('[G8] what may not be recorded is refused, and nothing of it is sent', async () => {
    rig.ehr.handler = request => answer(request, { body: SECRET, headers: { etag: '"a"' } })
    for (const fail of ['refuse', 'hold'] as const) {
      sink.mode = fail
      const { called } = begin(rig.call('/Patient/amy'))
      if (fail === 'hold') {
        await untilHeld(sink, 1)
        sink.drop()
      }
      const { status, refusal, text, headers } = await called
      assert.deepEqual([status, refusal, headers.etag], [503, 'audit_unavailable', undefined])
      assert.ok(!text.includes('amy'), text)
    }
    sink.mode = 'take'
    assert.equal((await rig.call('/Patient/amy')).status, 200)
    sink.drain()
  })

  test('[G8] a write is recorded before it is sent: what may not be is not sent', async () => {
    const written = {
      method: 'PUT',
      headers: { 'content-type': 'application/fhir+json' },
      body: '{}',
    }
    rig.ehr.handler = async request => {
      await request.body()
      answer(request, { body: SECRET })
    }
    const before = rig.ehr.requests.length
    sink.mode = 'refuse'
    assert.equal((await rig.call('/Patient/amy', written)).refusal, 'audit_unavailable')
    assert.equal(rig.ehr.requests.length, before)

    sink.mode = 'hold'
    const { isAnswered, called } = begin(rig.call('/Patient/amy', written))
    await untilHeld(sink, 1)
    assert.equal(rig.ehr.requests.length, before)
    sink.release()
    sink.mode = 'hold'
    await untilHeld(sink, 1)
    assert.deepEqual([rig.ehr.requests.length, isAnswered()], [before + 1, false])
    sink.drop()
    // It has been done, and whoever reads the audit finds what was to be.
    assert.equal((await called).refusal, 'audit_unavailable')
    assert.deepEqual(sink.drain().map(summarize), ['update -'])

    sink.mode = 'take'
    const done = await rig.call('/Patient/amy', written)
    const events = sink.drain()
    assert.deepEqual(events.map(summarize), ['update -', 'update 0'])
    const ids = events.map(requestIdOf)
    assert.deepEqual(ids, [done.headers['x-request-id'], done.headers['x-request-id']])
  })

  test('[G8] searches by POST change nothing, and are told once', async () => {
    rig.ehr.handler = async request => {
      await request.body()
      answer(request, { body: SECRET })
    }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    await rig.call('/Patient/_search', { method: 'POST', headers, body: 'name=x' })
    assert.deepEqual(sink.drain().map(summarize), ['search-type 0'])
  })

  test('[G8] a caller who leaves while the record waits ends the call, and nothing else', async () => {
    rig.ehr.handler = request => answer(request, { body: SECRET })
    sink.mode = 'hold'
    const socket = connect(rig.port, '127.0.0.1')
    socket.write(rig.raw('GET /Patient/amy'))
    await untilHeld(sink, 1)
    socket.destroy()
    for (let i = 0; i < 50; i++) await turn()
    sink.release()
    assert.equal((await rig.call('/Patient/amy')).text, SECRET)
    assert.deepEqual(sink.drain().map(summarize), ['read 0', 'read 0'])
    assert.deepEqual(rig.faults, [])
  })
})

function chunked(body: string): string {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n'
  return `${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
}

function begin(called: Promise<Called>) {
  let isOver = false
  const end = () => {
    isOver = true
  }
  called.then(end, end)
  return { called, isAnswered: () => isOver }
}

async function untilHeld(sink: HeldSink, count: number): Promise<void> {
  while (sink.held() < count) await turn()
}
