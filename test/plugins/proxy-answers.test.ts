import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { answer, type EhrRequest, headerOf } from '../network/fake-ehr.ts'
import { exchangeRaw } from '../network/raw.ts'
import { ours, useRig } from './proxy-rig.ts'

const json = 'content-type: application/fhir+json\r\n'
const reply = ({ socket }: EhrRequest, bytes: string) =>
  void socket.write(Buffer.from(bytes, 'latin1'))

describe('what crosses from the EHR', () => {
  const rig = useRig()
  beforeEach(() => {
    rig.ehr.requests.length = 0
  })

  async function answering(bytes: string, then: (request: EhrRequest) => void = () => undefined) {
    rig.ehr.handler = request => {
      reply(request, bytes)
      then(request)
    }
    return await rig.call('/Patient/1')
  }

  test('[R1, R5, R6] exactly the listed headers, in the whole answer', async () => {
    const { status, headers } = await answering(
      [
        'HTTP/1.1 200 OK',
        ...[
          'Content-Type: application/fhir+json',
          'ETag: W/"1"',
          'Content-Length: 2',
          'X-Progress: 1',
        ],
        ...[
          'Set-Cookie: __Host-fhirstorm-x=y',
          'Set-Cookie: a=b',
          'Access-Control-Allow-Origin: *',
        ],
        ...[
          'Strict-Transport-Security: max-age=0',
          'Clear-Site-Data: "*"',
          'Refresh: 0;url=http://evil',
        ],
        ...['Service-Worker-Allowed: /', 'Alt-Svc: h2', 'Server: x', 'X-Powered-By: x', 'NEL: {}'],
        ...[
          'Link: </x.js>; rel=preload',
          'Cache-Control: public',
          'Content-Security-Policy: x',
          'SourceMap: x',
        ],
        ...[
          'Connection: keep-alive',
          'Keep-Alive: timeout=5',
          'WWW-Authenticate: Basic',
          '__proto__: x',
        ],
        ...['', '{}'],
      ].join('\r\n'),
    )
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(headers).sort(), [
      ...[
        'cache-control',
        'connection',
        'content-length',
        'content-security-policy',
        'content-type',
      ],
      ...[
        'cross-origin-opener-policy',
        'cross-origin-resource-policy',
        'date',
        'etag',
        'keep-alive',
      ],
      ...['referrer-policy', 'vary', 'x-content-type-options', 'x-frame-options', 'x-progress'],
      'x-request-id',
    ])
    assert.equal(headers['cache-control'], 'no-store, private')
    assert.notEqual(headers['content-security-policy'], 'x')
  })

  test('[R2] a redirect elsewhere is not followed and not told', async () => {
    for (const status of [301, 302, 307, 308]) {
      const { refusal, headers } = await answering(
        `HTTP/1.1 ${status} X\r\nlocation: http://127.0.0.1:1/evil\r\ncontent-length: 0\r\n\r\n`,
      )
      assert.equal(refusal, 'upstream_elsewhere')
      assert.equal(headers.location, undefined)
    }
    const own = await answering(
      `HTTP/1.1 303 X\r\nlocation: ${rig.base}/Patient/2\r\ncontent-length: 0\r\n\r\n`,
    )
    assert.equal(own.status, 303)
    assert.equal(own.headers.location, `${ours}/Patient/2`)
    assert.equal(rig.ehr.requests.length, 5)
  })

  test('[R3, R4, R21] content that could run is an attachment in a sandbox', async () => {
    const types = [
      ...['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/xml', 'application/pdf'],
      ...[
        'text/javascript',
        'text/css',
        'image/png',
        'application/octet-stream',
        'x',
        'text/html;charset=utf-7',
      ],
    ]
    for (const type of types) {
      const { headers } = await answering(
        `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: 6\r\n\r\n<html>`,
      )
      assert.equal(headers['content-disposition'], 'attachment', type)
      assert.match(String(headers['content-security-policy']), /default-src 'none'; sandbox/)
      assert.equal(headers['x-content-type-options'], 'nosniff')
    }
    const shown = await answering(`HTTP/1.1 200 OK\r\n${json}content-length: 6\r\n\r\n<html>`)
    assert.equal(shown.headers['content-disposition'], undefined)
    assert.equal(shown.headers['x-content-type-options'], 'nosniff')
    const untyped = await answering('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>')
    assert.equal(untyped.headers['content-type'], 'application/octet-stream')
  })

  test('[R10] broken framing is a 502, and the connection is not used again', async () => {
    const answers = [
      `HTTP/1.1 200 OK\r\n${json}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n${json}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
      `HTTP/1.1 200 OK\n${json}content-length: 2\n\n{}`,
      `HTTP/1.1 200 OK\r\netag: "a\u0001b"\r\n${json}content-length: 2\r\n\r\n{}`,
      `HTTP/1.1 200 OK\r\nx: a\rb\r\n${json}content-length: 2\r\n\r\n{}`,
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'nonsense\r\n\r\n',
    ]
    for (const bytes of answers) {
      const { refusal, status } = await answering(bytes, ({ socket }) => socket.end())
      assert.equal(status, 502, bytes)
      assert.equal(refusal, 'upstream_broken')
      assert.equal(
        (await answering(`HTTP/1.1 200 OK\r\n${json}content-length: 2\r\n\r\n{}`)).text,
        '{}',
      )
    }
  })

  test('[R10] interim answers are not passed on, and endless ones are cut', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n'
    const { status, text, headers } = await answering(
      `${early}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n${json}content-length: 2\r\n\r\n{}`,
    )
    assert.equal(`${status} ${text}`, '200 {}')
    assert.equal(headers.link, undefined)
    for (const one of [early, 'HTTP/1.1 100 Continue\r\n\r\n']) {
      assert.equal((await answering(one.repeat(1000))).refusal, 'upstream_broken')
    }
  })

  test('[Q49] an answer with 20 KB of headers is read, one with 100 KB is not', async () => {
    const cookies = (count: number) => `set-cookie: a=${'x'.repeat(990)}\r\n`.repeat(count)
    const sent = (count: number) =>
      `HTTP/1.1 200 OK\r\n${cookies(count)}${json}content-length: 2\r\n\r\n{}`
    const { status, headers } = await answering(sent(20))
    assert.deepEqual([status, headers['set-cookie']], [200, undefined])
    assert.equal((await answering(sent(100))).refusal, 'upstream_broken')
  })

  test('[R11] an answer that breaks off is broken for the client too', async () => {
    const answers = [
      `HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 100\r\n\r\nhalf`,
      `HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
      `HTTP/1.1 200 OK\r\n${json}transfer-encoding: chunked\r\n\r\n4\r\n{"ab\r\n`,
    ]
    for (const bytes of answers) {
      rig.ehr.handler = request => {
        reply(request, bytes)
        setTimeout(() => request.socket.destroy(), 50)
      }
      const got = await exchangeRaw(
        rig.port,
        rig.raw('GET /Binary/1').replace('Connection: close', 'Connection: keep-alive'),
      )
      assert.match(got, /^HTTP\/1\.1 200 /)
      assert.ok(!got.endsWith('0\r\n\r\n'), 'no end of chunks')
      assert.ok(!got.includes('OperationOutcome'))
    }
    rig.ehr.handler = request => {
      reply(request, `HTTP/1.1 200 OK\r\n${json}content-length: 100\r\n\r\n{"half`)
      setTimeout(() => request.socket.destroy(), 50)
    }
    const held = await rig.call('/Patient/1')
    assert.equal(held.refusal, 'upstream_broken', 'a document that was held is refused whole')
  })

  test('[R12] bytes that nobody asked for never reach another request', async () => {
    const own = (n: number) => `HTTP/1.1 200 OK\r\n${json}content-length: 7\r\n\r\n{"n":${n}}`
    let n = 0
    rig.ehr.handler = request => {
      n++
      reply(request, own(n % 10))
      const injected = `HTTP/1.1 200 OK\r\n${json}content-length: 8\r\n\r\n"victim"`
      if (n % 3 === 0) reply(request, injected)
      if (n % 3 === 1) setTimeout(() => reply(request, injected), 5)
    }
    for (let i = 1; i <= 40; i++) {
      const { text, status } = await rig.call('/Patient/1')
      assert.ok(status === 502 || text === `{"n":${n % 10}}`, text)
      // What comes late comes to an idle connection.
      if (n % 3 === 1) await new Promise(resolve => setTimeout(resolve, 20))
    }
  })

  test('[R15, Q48] a coding that was not asked for is undone, and one that nobody can undo is refused', async () => {
    const body = Buffer.from(`{"url":"${rig.base}/Patient/1"}`)
    const send = async (coding: string, bytes: Uint8Array) => {
      rig.ehr.handler = request =>
        answer(request, { headers: { 'content-encoding': coding }, body: bytes })
      return await rig.call('/Patient/1')
    }
    for (const [coding, bytes] of [
      ['gzip', gzipSync(body)],
      ['x-gzip', gzipSync(body)],
      ['deflate', deflateSync(body)],
      ['deflate', deflateRawSync(body)],
      ['br', brotliCompressSync(body)],
      ['zstd', zstdCompressSync(body)],
      ['deflate, br, gzip', gzipSync(brotliCompressSync(deflateSync(body)))],
      ['utf-8', body],
      ['', body],
    ] as const) {
      const { text, headers } = await send(coding, bytes)
      assert.equal(JSON.parse(text).url, `${ours}/Patient/1`, coding)
      assert.equal(headers['content-encoding'], undefined)
    }
    for (const [coding, bytes, refusal] of [
      ['compress', body, 'upstream_encoding'],
      ['gzip, '.repeat(200), Buffer.from('x'), 'upstream_encoding'],
    ] as const) {
      assert.equal((await send(coding, bytes)).refusal, refusal)
    }
  })

  test('[R18] answers without a body have none, whatever is sent', async () => {
    const rows = [
      ['HTTP/1.1 204 No Content\r\n\r\n', 204],
      ['HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello', 204],
      ['HTTP/1.1 304 Not Modified\r\netag: W/"1"\r\n\r\n', 304],
      ['HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nhello', 304],
      ['HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n', 502],
      ['HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n', 502],
    ] as const
    for (const [bytes, expected] of rows) {
      rig.ehr.handler = request => reply(request, bytes)
      const got = await exchangeRaw(rig.port, rig.raw('GET /Patient/1'))
      assert.match(got, new RegExp(`^HTTP/1\\.1 ${expected} `), bytes)
      if (expected !== 502) assert.ok(got.endsWith('\r\n\r\n'), got)
    }
    rig.ehr.handler = request =>
      reply(request, `HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 5\r\n\r\n`)
    const head = await exchangeRaw(rig.port, rig.raw('HEAD /Binary/1'))
    assert.match(head, /content-length: 5\r\n/)
    assert.ok(head.endsWith('\r\n\r\n'))
    rig.ehr.handler = request => answer(request, { body: '{"next":1}' })
    for (let i = 0; i < 5; i++) assert.equal((await rig.call('/Patient/1')).text, '{"next":1}')
  })

  test('[R19] trailers are dropped', async () => {
    const { text, headers } = await answering(
      `HTTP/1.1 200 OK\r\n${json}trailer: set-cookie\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nset-cookie: a=b\r\n\r\n`,
    )
    assert.equal(text, '{}')
    assert.equal(headers['set-cookie'], undefined)
    rig.ehr.handler = request =>
      reply(
        request,
        `HTTP/1.1 200 OK\r\n${json}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nset-cookie: a=b\r\n\r\n`,
      )
    assert.ok(!(await exchangeRaw(rig.port, rig.raw('GET /x'))).includes('set-cookie'))
  })

  test("[R9] a 403 is the EHR's own, body and all", async () => {
    const body = '{"resourceType":"OperationOutcome","issue":[]}'
    rig.ehr.handler = request => answer(request, { status: 403, body })
    const { status, text, refusal } = await rig.call('/Patient/1')
    assert.equal(status, 403)
    assert.equal(text, body)
    assert.equal(refusal, undefined)
    assert.equal(rig.token.renewed, 0)
  })
})

describe('a large document', () => {
  const rig = useRig()

  test('[SC-28] is rewritten as it streams', async () => {
    const entry = JSON.stringify({ fullUrl: `${rig.base}/Patient/1`, text: 'x'.repeat(100) })
    const count = 20_000
    rig.ehr.handler = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\n${json}transfer-encoding: chunked\r\n\r\n`)
      const bytes = Buffer.from(`[${Array(count).fill(entry).join()}]`)
      for (let at = 0; at < bytes.length; at += 7777) {
        const piece = bytes.subarray(at, at + 7777)
        socket.write(`${piece.length.toString(16)}\r\n`)
        socket.write(piece)
        socket.write('\r\n')
      }
      socket.write('0\r\n\r\n')
    }
    const { text, headers } = await rig.call('/Patient')
    assert.equal(headers['content-length'], undefined)
    assert.equal(text.split(ours).length - 1, count)
    assert.ok(!text.includes(rig.base))
    assert.equal(JSON.parse(text).length, count)
  })
})

describe('an EHR far away', () => {
  const rig = useRig({ registration: { upstreamCompression: 'gzip' }, limits: { stallMs: 2000 } })

  test('is asked for gzip, decoded and rewritten', async () => {
    const document = JSON.stringify({ fullUrl: `${rig.base}/Patient/1` })
    rig.ehr.handler = request =>
      answer(request, { headers: { 'content-encoding': 'gzip' }, body: gzipSync(document) })
    const { text, headers } = await rig.call('/Patient/1')
    assert.equal(text, document.replace(rig.base, ours))
    assert.equal(headers['content-encoding'], undefined)
    assert.equal(headers['content-length'], undefined)
    const [sent] = rig.ehr.requests
    assert.equal(sent && headerOf(sent, 'accept-encoding'), 'gzip')
    rig.ehr.handler = request => answer(request, { body: document })
    assert.equal((await rig.call('/Patient/1')).text, text)
    const file = gzipSync('file')
    rig.ehr.handler = request =>
      answer(request, {
        headers: { 'content-type': 'image/png', 'content-encoding': 'gzip' },
        body: file,
      })
    assert.equal((await rig.call('/Binary/1')).text, 'file')
  })

  test('[R15] a bomb is cut, and broken data too', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    rig.ehr.handler = request =>
      answer(request, { headers: { 'content-encoding': 'gzip' }, body: bomb })
    const got = await exchangeRaw(rig.port, rig.raw('GET /Patient/1'))
    assert.ok(got.length < 20 * 1024 * 1024 && !got.endsWith('0\r\n\r\n'))
    const broken = gzipSync('{"a":1}').subarray(0, 15)
    rig.ehr.handler = request =>
      answer(request, { headers: { 'content-encoding': 'gzip' }, body: broken })
    const cut = await exchangeRaw(rig.port, rig.raw('GET /Patient/1'))
    assert.ok(!cut.endsWith('0\r\n\r\n'))
  })
})

describe('an EHR with a time of its own to answer in', () => {
  const rig = useRig({ registration: { firstByteSeconds: 1 } })

  test('[Q49, R13] is a 504 after that time', async () => {
    rig.ehr.handler = () => undefined
    assert.equal((await rig.call('/Patient/1')).refusal, 'upstream_timeout')
  })
})

describe('an EHR that stalls', () => {
  const rig = useRig({ limits: { headMs: 1500, idleMs: 1500 } })

  test('[R13] is a 504 before its answer, and cut within it', async () => {
    rig.ehr.handler = () => undefined
    assert.equal((await rig.call('/Patient/1')).refusal, 'upstream_timeout')
    rig.ehr.handler = request =>
      reply(request, `HTTP/1.1 200 OK\r\n${json}content-length: 10\r\n\r\n{`)
    assert.equal((await rig.call('/Patient/1')).refusal, 'upstream_timeout')
    rig.ehr.handler = request =>
      reply(request, `HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 10\r\n\r\nx`)
    const got = await exchangeRaw(rig.port, rig.raw('GET /Binary/1'))
    assert.ok(got.endsWith('\r\n\r\nx'))
    const closed = await Promise.all(
      rig.ehr.requests.map(
        ({ socket }) => socket.destroyed || new Promise(r => socket.once('close', r)),
      ),
    )
    assert.equal(closed.length, 3)
  })
})
