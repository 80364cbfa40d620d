import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { answer, type EhrRequest, headerOf } from '../network/fake-ehr.ts'
import { type Calling, useRig } from './proxy-rig.ts'

describe('after a 401 of the EHR', () => {
  const rig = useRig({ limits: { replayBytes: 1000 } })
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.token.current = 'old'
    rig.token.renewed = 0
    rig.token.renewals = ['new', 'newer', 'newest']
    rig.ehr.handler = async request => {
      const body = await request.body()
      if (headerOf(request, 'authorization') !== 'Bearer old') answer(request, { body })
      else
        answer(request, {
          status: 401,
          headers: { 'www-authenticate': 'Basic realm="x"' },
          body: '{"no":1}',
        })
    }
  })
  const bearers = () => rig.ehr.requests.map(request => headerOf(request, 'authorization'))
  const json = { 'content-type': 'application/fhir+json' }

  test('[AL-55, R6] one renewal and one second try, and the client sees nothing of it', async () => {
    const { status, headers } = await rig.call('/Patient/1')
    assert.equal(status, 200)
    assert.equal(headers['www-authenticate'], undefined)
    assert.deepEqual(bearers(), ['Bearer old', 'Bearer new'])
    assert.equal(rig.token.renewed, 1)
  })

  test('[R6] each of the two tries is told by the status that the EHR gave it', async () => {
    rig.ends.length = 0
    await rig.call('/Patient/1')
    assert.deepEqual(rig.ends, [{ status: 401 }, { status: 200 }])
  })

  test('[R8] what can be tried again without doing it twice is tried again', async () => {
    const replayed: [string, Calling][] = [
      ['/Patient/1', { method: 'HEAD' }],
      ['/Patient/1', { method: 'PUT', headers: { ...json, 'if-match': 'W/"1"' }, body: '{"a":1}' }],
      ['/Patient/1', { method: 'DELETE', headers: { 'if-match': 'W/"1"' } }],
      [
        '/Patient',
        { method: 'POST', headers: { ...json, 'if-none-exist': 'a=b' }, body: '{"a":1}' },
      ],
      [
        '/Patient/_search',
        {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'a=b',
        },
      ],
      [
        '/Binary/1',
        { method: 'PUT', headers: { 'content-type': 'image/png', 'if-match': '"1"' }, body: 'x' },
      ],
    ]
    for (const [path, how] of replayed) {
      rig.ehr.requests.length = 0
      rig.token.current = 'old'
      rig.token.renewals = ['new']
      const { status } = await rig.call(path, how)
      assert.equal(status, 200, `${how.method} ${path}`)
      assert.equal(rig.ehr.requests.length, 2)
      const [first, second] = rig.ehr.requests as [EhrRequest, EhrRequest]
      assert.equal(await second.body(), await first.body())
      assert.equal(second.head.replace('new', 'old'), first.head)
    }
  })

  test('[R8] what cannot is never sent twice; the client may, with the new token', async () => {
    const once: [string, Calling][] = [
      ['/Patient', { method: 'POST', headers: json, body: '{"a":1}' }],
      ['/Patient/1', { method: 'PUT', headers: json, body: '{"a":1}' }],
      ['/Patient/1', { method: 'DELETE' }],
      [
        '/Patient/1',
        { method: 'PATCH', headers: { 'content-type': 'application/json-patch+json' }, body: '[]' },
      ],
      ['', { method: 'POST', headers: json, body: '{"resourceType":"Bundle"}' }],
      [
        '/Binary/1',
        {
          method: 'PUT',
          headers: { 'content-type': 'image/png', 'if-match': '"1"' },
          body: 'x'.repeat(2000),
        },
      ],
    ]
    for (const [path, how] of once) {
      rig.ehr.requests.length = 0
      rig.token.current = 'old'
      rig.token.renewals = ['new']
      const { status, refusal, headers } = await rig.call(path, how)
      assert.equal(`${status} ${refusal}`, '401 upstream_unauthorized', `${how.method} ${path}`)
      assert.equal(headers['retry-after'], '1')
      assert.equal(rig.ehr.requests.length, 1)
      assert.equal(rig.token.current, 'new')
    }
  })

  test('[R7] a 401 for ever costs one renewal and one second try', async () => {
    rig.ehr.handler = request => answer(request, { status: 401, body: '{}' })
    const { status, refusal, headers } = await rig.call('/Patient/1')
    assert.equal(`${status} ${refusal}`, '401 upstream_unauthorized')
    assert.equal(headers['www-authenticate'], undefined)
    assert.deepEqual(bearers(), ['Bearer old', 'Bearer new'])
    assert.equal(rig.token.renewed, 1)
  })

  test('[R7, F3, F4] when nothing can be renewed, that is the answer', async () => {
    for (const code of ['upstream_unauthorized', 'session_expired', 'refresh_failed'] as const) {
      rig.ehr.requests.length = 0
      rig.token.current = 'old'
      rig.token.renewals = [new BrokerError(code)]
      assert.equal((await rig.call('/Patient/1')).refusal, code)
      assert.equal(rig.ehr.requests.length, 1)
    }
  })

  test('[R9, SC-21] a 403 is no reason to renew', async () => {
    rig.ehr.handler = request => answer(request, { status: 403, body: '{"no":1}' })
    const { status, text } = await rig.call('/Patient/1')
    assert.equal(`${status} ${text}`, '403 {"no":1}')
    assert.equal(rig.token.renewed, 0)
    assert.equal(rig.ehr.requests.length, 1)
  })

  test('[R7] an endless body of a 401 is not waited for', async () => {
    rig.ehr.handler = ({ socket, headers }) => {
      const isOld = headers.some(([, value]) => value === 'Bearer old')
      socket.write(
        isOld
          ? 'HTTP/1.1 401 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'
          : 'HTTP/1.1 200 X\r\ncontent-type: application/fhir+json\r\ncontent-length: 2\r\n\r\n{}',
      )
    }
    assert.equal((await rig.call('/Patient/1')).text, '{}')
  })
})
