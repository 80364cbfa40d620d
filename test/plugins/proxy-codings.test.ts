// Answers that come coded in every way that servers have: empty, nested, padded, and made to be dear.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import * as zlib from 'node:zlib'
import { answer, type EhrRequest } from '../network/fake-ehr.ts'
import { exchangeRaw } from '../network/raw.ts'
import { useRig } from './proxy-rig.ts'

const CODINGS = [
  'gzip',
  'x-gzip',
  'deflate',
  'br',
  'zstd',
  'gzip, br',
  'deflate, gzip',
  'br, gzip, zstd',
]
const EMPTY_ANSWERS: [status: number, type: string][] = [
  ...[200, 201, 202, 404].map((status): [number, string] => [status, 'application/fhir+json']),
  ...[200, 201].map((status): [number, string] => [status, '']),
  ...['application/fhir+xml', 'image/png', 'application/json'].map((type): [number, string] => [
    200,
    type,
  ]),
]
const document = JSON.stringify({ resourceType: 'Patient', id: '1' })

describe('answers that are coded', () => {
  const rig = useRig({ limits: { idleMs: 1_000, stallMs: 5_000 } })

  /** A head, then whatever is written, in chunks. */
  function chunked({ socket }: EhrRequest, coding: string, ...chunks: Uint8Array[]): void {
    const head = `content-type: application/fhir+json\r\ncontent-encoding: ${coding}`
    socket.write(`HTTP/1.1 200 OK\r\n${head}\r\ntransfer-encoding: chunked\r\n\r\n`)
    for (const chunk of chunks) writeChunk({ socket }, chunk)
  }

  function writeChunk({ socket }: Pick<EhrRequest, 'socket'>, chunk: Uint8Array): boolean {
    socket.write(`${chunk.length.toString(16)}\r\n`)
    socket.write(chunk)
    return socket.write('\r\n')
  }

  for (const coding of CODINGS) {
    test(`[Q48] an answer without a byte is what it is, though it is said to be ${coding}`, async () => {
      for (const [status, type] of EMPTY_ANSWERS) {
        const headers = { 'content-type': type, 'content-encoding': coding }
        rig.ehr.handler = async request => {
          await request.body()
          answer(request, { status, headers })
        }
        const created = await rig.call('/Patient', {
          ...{
            method: 'POST',
            headers: { 'content-type': 'application/fhir+json' },
            body: document,
          },
        })
        const title = `${status} ${type}`
        assert.deepEqual(
          [created.status, created.text, created.refusal],
          [status, '', undefined],
          title,
        )
        const read = await rig.call('/Patient/1')
        assert.deepEqual([read.status, read.text, read.refusal], [status, '', undefined], title)
      }
      rig.ehr.handler = request => {
        chunked(request, coding)
        request.socket.write('0\r\n\r\n')
      }
      assert.equal((await rig.call('/Patient/1')).text, '')
    })
  }

  test('[Q48] each of several codings is told by its own first bytes', async () => {
    for (const [coding, body] of [
      ['deflate, gzip', zlib.gzipSync(zlib.deflateRawSync(document))],
      ['deflate, deflate', zlib.deflateSync(zlib.deflateRawSync(document))],
      ['gzip, deflate, br', zlib.brotliCompressSync(zlib.deflateRawSync(zlib.gzipSync(document)))],
    ] as const) {
      rig.ehr.handler = request =>
        answer(request, { headers: { 'content-encoding': coding }, body })
      assert.equal((await rig.call('/Patient/1')).text, document, coding)
    }
  })

  test('[R15, Q48] a bomb at any of several codings ends its answer', async () => {
    const zeros = Buffer.alloc(32 * 2 ** 20)
    // Nothing comes out of these at the end: all that they cost lies between.
    const nothings = Buffer.alloc(20 * 2 ** 20, zlib.gzipSync(''))
    for (const [coding, body] of [
      ['gzip, gzip', zlib.gzipSync(nothings, { level: 9 })],
      ['gzip, gzip', zlib.gzipSync(zlib.gzipSync(zeros))],
      ['gzip, br', zlib.brotliCompressSync(Buffer.concat([zlib.gzipSync(document), zeros]))],
      ['gzip, gzip, gzip', zlib.gzipSync(zlib.gzipSync(zlib.gzipSync(zeros)))],
    ] as const) {
      rig.ehr.handler = request =>
        answer(request, { headers: { 'content-encoding': coding }, body })
      const got = await exchangeRaw(rig.port, rig.raw('GET /Patient/1'))
      assert.ok(got.length < 8 * 2 ** 20 && !got.endsWith('0\r\n\r\n'), `${coding} ${got.length}`)
    }
    assert.deepEqual(rig.faults, [])
  })

  test('[R15] what cannot be decoded from its first byte on is a refusal, and not a broken connection', async () => {
    const large = zlib.gzipSync(Buffer.alloc(2 ** 20, document))
    for (const [coding, body] of [
      ['gzip', Buffer.from('{}')],
      ['br', Buffer.from('no brotli')],
      ['zstd', large],
      ['gzip, gzip', large],
    ] as const) {
      rig.ehr.handler = request =>
        answer(request, { headers: { 'content-encoding': coding }, body })
      const { status, refusal } = await rig.call('/Patient/1')
      assert.deepEqual([status, refusal], [502, 'upstream_encoding'], coding)
    }
    rig.ehr.handler = request =>
      answer(request, { headers: { 'content-encoding': 'gzip' }, body: large })
    assert.equal((await rig.call('/Patient/1')).text.length, 2 ** 20)
    assert.deepEqual(rig.faults, [])
  })

  test('[R15] a window that is larger than those of HTTP is refused (RFC 9659)', async () => {
    const params = { [zlib.constants.ZSTD_c_windowLog]: 27 }
    const encoder = zlib.createZstdCompress({ params })
    encoder.end(Buffer.alloc(64 * 1024, document))
    const body = Buffer.concat(await encoder.toArray())
    rig.ehr.handler = request => answer(request, { headers: { 'content-encoding': 'zstd' }, body })
    const got = await exchangeRaw(rig.port, rig.raw('GET /Patient/1'))
    assert.ok(!got.includes('Patient'))
  })

  for (const [name, pad] of [
    ['pours on', true],
    ['stands still', false],
  ] as const) {
    test(`[R13, R15] an EHR that ${name} behind the end of what it has coded leaves nothing behind`, async () => {
      const zeros = Buffer.alloc(16 * 1024)
      rig.ehr.handler = request => {
        chunked(request, 'gzip', zlib.gzipSync(document), zeros)
        const pour = () => {
          while (pad && !request.socket.destroyed && writeChunk(request, zeros));
        }
        request.socket.on('drain', pour)
        pour()
      }
      const got = await exchangeRaw(rig.port, rig.raw('GET /Patient/1'))
      assert.ok(!got.endsWith('0\r\n\r\n'))
      const [last] = rig.ehr.requests.slice(-1)
      for (let i = 0; i < 200 && !last?.socket.destroyed; i++) await pause(10)
      assert.equal(last?.socket.destroyed, true)
    })
  }

  test('[Q48] a little padding is no part of an answer', async () => {
    const body = Buffer.concat([zlib.gzipSync(document), Buffer.alloc(512)])
    rig.ehr.handler = request => answer(request, { headers: { 'content-encoding': 'gzip' }, body })
    assert.equal((await rig.call('/Patient/1')).text, document)
  })
})
