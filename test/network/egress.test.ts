import assert from 'node:assert/strict'
import type * as http from 'node:http'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { BrokerError } from '../../src/errors.ts'
import { createEgress, type EgressLimits, type EgressPeer } from '../../src/network/egress.ts'
import type { ProtocolFetch } from '../../src/smart/types.ts'
import { listen, listenRaw } from './listen.ts'

function peerOf(origin: string, more: Partial<EgressPeer> = {}): EgressPeer {
  const network = { reach: 'public' } as const
  return { id: 'general', iss: `${origin}/fhir`, origins: [origin], network, ...more }
}

function egress(t: TestContext, peer: EgressPeer, limits?: EgressLimits): ProtocolFetch {
  const { fetch, close } = createEgress(peer, limits)
  t.after(close)
  return fetch
}

/** Asserts on the refusal and gives it back; nothing of the outer world may be in its texts. */
async function refused(call: Promise<unknown>, code: string): Promise<BrokerError> {
  const error = await call.then(
    () => assert.fail(`expected ${code}`),
    (error: unknown) => error,
  )
  assert.ok(error instanceof BrokerError, String(error))
  assert.equal(error.code, code, error.detail)
  assert.equal(error.ehr, 'general')
  assert.doesNotMatch(`${error.message} ${error.detail}`, /127\.0\.0\.1|evil|hunter2/)
  return error
}

test('returns status, body and the headers that protocol steps read, and sends what it is told', async t => {
  const seen: http.IncomingMessage[] = []
  const server = await listen(t, async (request, response) => {
    seen.push(request)
    const body = (await request.toArray()).join('')
    response.writeHead(418, {
      ...{ 'Content-Type': 'application/json', ETag: '"1"', 'set-cookie': 'a=b' },
      'WWW-Authenticate': ['Basic', 'Bearer'],
    })
    response.end(JSON.stringify({ method: request.method, url: request.url, body }))
  })
  const fetch = egress(t, peerOf(server.origin))
  const headers = { 'content-type': 'text/plain', 'accept-encoding': 'gzip' }
  const request = { method: 'POST', body: 'a=ö', headers }
  const response = await fetch(`${server.origin}/token?tenant=1#top`, request)
  assert.equal(response.status, 418)
  assert.deepEqual(await response.json(), { method: 'POST', url: '/token?tenant=1', body: 'a=ö' })
  assert.equal(response.headers.get('etag'), '"1"')
  assert.equal(response.headers.get('www-authenticate'), 'Basic, Bearer')
  assert.equal(response.headers.get('set-cookie'), null)
  assert.equal(seen[0]?.headers['accept-encoding'], 'identity')
  assert.equal(seen[0]?.headers['content-type'], 'text/plain')
})

test('gives a Response without a body for 204 and 304', async t => {
  for (const status of [204, 304]) {
    const server = await listen(t, (_, response) => response.writeHead(status).end())
    const response = await egress(t, peerOf(server.origin))(server.origin)
    assert.equal(response.status, status)
    assert.equal(response.body, null)
  }
})

test('[L17, L19] connects to nothing outside the pinned origins', async t => {
  const evil = await listen(t, (_, response) => response.end('{}'))
  const server = await listen(t, (_, response) => response.end('{}'))
  const fetch = egress(t, peerOf(server.origin))
  for (const url of [
    `${evil.origin}/token`,
    server.origin.replace('http:', 'https:'),
    server.origin.replace('127.0.0.1', 'localhost'),
    `${server.origin}.evil.test/`,
    `${server.origin.replace('//', '//user@')}0/`,
    'javascript:alert(1)',
    'data:application/json,{}',
    'file:///etc/passwd',
    '/token',
    '',
  ]) {
    await refused(fetch(url, { method: 'POST', body: 'secret=hunter2' }), 'endpoint_not_pinned')
  }
  assert.equal(evil.connections + server.connections, 0)
})

test('[L10, AL-01] refuses plain http except to this machine for a registration on it', async t => {
  const server = await listen(t, (_, response) => response.end('{}'))
  const elsewhere = peerOf('https://ehr.test', { origins: ['https://ehr.test', server.origin] })
  await refused(egress(t, elsewhere)(server.origin), 'endpoint_not_pinned')
  const name = peerOf(server.origin, { origins: ['http://ehr.test'] })
  await refused(egress(t, name)('http://ehr.test/'), 'endpoint_not_pinned')
  assert.equal(server.connections, 0)
})

test('[L2, L5] reports a refused address as an unreachable issuer', async t => {
  const server = await listen(t, (_, response) => response.end('{}'))
  const origin = `https://localhost:${server.port}`
  const peer = peerOf('https://ehr.test', { origins: [origin] })
  const error = await refused(egress(t, peer)(origin), 'issuer_unreachable')
  assert.equal(error.detail, 'ADDRESS_REFUSED')
  assert.equal(server.connections, 0)
})

test('[Q32, L6] follows redirects of public documents within the pinned origins, three at most', async t => {
  const evil = await listen(t, (_, response) => response.end('evil'))
  const asked: string[] = []
  const server = await listen(t, ({ url = '', headers }, response) => {
    asked.push(`${url} ${headers.accept}`)
    const [, left = 0, target = '/there'] = /^\/(\d)(.*)$/.exec(url) ?? []
    if (url === '/there') return response.end('good')
    if (url === '/nowhere') return response.writeHead(302, { location: 'http://' }).end()
    if (url === '/silent') return response.writeHead(302).end()
    if (url === '/evil') return response.writeHead(307, { location: `${evil.origin}/there` }).end()
    const next = Number(left) > 1 ? `/${Number(left) - 1}${target}` : '/there'
    response.writeHead([301, 302, 303, 307, 308][Number(left) % 5] ?? 302, { location: next }).end()
  })
  const fetch = egress(t, peerOf(server.origin))
  const get = (path: string) =>
    fetch(server.origin + path, { follows: true, headers: { accept: 'application/json' } })
  for (const path of ['/there', '/1', '/2', '/3']) {
    assert.equal(await (await get(path)).text(), 'good', path)
  }
  assert.ok(asked.every(one => one.endsWith(' application/json')))
  const details: unknown[] = []
  for (const path of ['/4', '/nowhere', '/evil']) {
    await assert.rejects(get(path), error => {
      const { code, detail } = error as { code: string; detail: string }
      details.push(detail)
      return code === 'endpoint_not_pinned'
    })
  }
  assert.deepEqual(details, [
    'redirected too often',
    'redirected to no address',
    `redirected to ${evil.origin}: add it to the registration's origins`,
  ])
  assert.equal((await refused(get('/silent'), 'upstream_broken')).detail, 'redirected')
  assert.equal(evil.connections, 0)
})

test('[L6, T3, I10] follows no redirect and sends the body nowhere else', async t => {
  const evil = await listen(t, (_, response) => response.end('{}'))
  for (const status of [300, 301, 302, 303, 307, 308]) {
    const server = await listen(t, (_, response) => {
      response.writeHead(status, { location: `${evil.origin}/` }).end('moved')
    })
    const fetch = egress(t, peerOf(server.origin, { origins: [server.origin, evil.origin] }))
    const request = {
      method: 'POST',
      body: 'secret=hunter2',
      badAnswer: 'bad_token_response',
    } as const
    const error = await refused(fetch(`${server.origin}/token`, request), 'bad_token_response')
    assert.equal(error.detail, 'redirected')
    assert.equal(server.connections, 1)
  }
  assert.equal(evil.connections, 0)
})

test('[L7, T2, I10] refuses an answer by its announced length without reading it', async t => {
  const server = await listen(t, (_, response) => {
    response.writeHead(200, { 'content-length': 2 ** 31 })
    response.write('{')
  })
  const error = await refused(egress(t, peerOf(server.origin))(server.origin), 'upstream_broken')
  assert.equal(error.detail, 'too large')
})

test('[L7, T2, I10] stops reading an endless answer at the cap, in flat memory', async t => {
  let sent = 0
  const chunk = Buffer.alloc(64 * 1024, '[')
  const server = await listen(t, (_, response) => {
    const pump = () => {
      while (!response.destroyed) {
        sent += chunk.length
        if (!response.write(chunk)) return
      }
    }
    response.on('drain', pump)
    pump()
  })
  const fetch = egress(t, peerOf(server.origin))
  await refused(fetch(server.origin, { maxBytes: 1024 }), 'upstream_broken')
  const before = process.memoryUsage().rss
  for (let round = 0; round < 40; round++) {
    const call = fetch(server.origin, { maxBytes: 64 * 1024, badAnswer: 'bad_metadata' })
    assert.equal((await refused(call, 'bad_metadata')).detail, 'too large')
  }
  assert.ok(process.memoryUsage().rss - before < 20 * 2 ** 20, 'memory grew by more than 20 MB')
  assert.ok(sent < 300 * 2 ** 20)
})

test('reads an answer of exactly the cap', async t => {
  const server = await listen(t, (_, response) => response.end('12345'))
  const fetch = egress(t, peerOf(server.origin))
  assert.equal(await (await fetch(server.origin, { maxBytes: 5 })).text(), '12345')
  await refused(fetch(server.origin, { maxBytes: 4 }), 'upstream_broken')
})

test('[L7, Q48] reads what is coded, asked or not, as far as the cap, and refuses what it cannot', async t => {
  const text = '{"issuer":"https://ehr.example"}'
  const bomb = Buffer.alloc(10 * 2 ** 20)
  for (const [coding, body, expected] of [
    ['gzip', gzipSync(text), text],
    ['deflate', deflateSync(text), text],
    ['deflate', deflateRawSync(text), text],
    ['br', brotliCompressSync(text), text],
    ['zstd', zstdCompressSync(text), text],
    ['gzip, br', brotliCompressSync(gzipSync(text)), text],
    ['utf-8', Buffer.from(text), text],
    ['', Buffer.from(text), text],
    ...(['gzip', 'deflate', 'br', 'zstd', 'gzip, zstd'] as const).map(
      coding => [coding, Buffer.alloc(0), ''] as const,
    ),
    ['gzip, deflate', deflateRawSync(gzipSync(text)), text],
    ['deflate, gzip', gzipSync(deflateRawSync(text)), text],
    ['gzip', gzipSync(bomb), 'too large'],
    ['br', brotliCompressSync(bomb), 'too large'],
    ['gzip, gzip', gzipSync(gzipSync(bomb)), 'too large'],
    ['gzip', Buffer.from(text), 'not coded as it says'],
    ['gzip', gzipSync(text).subarray(0, -9), 'not coded as it says'],
    ['compress', Buffer.from(text), 'encoded'],
    ['gzip, gzip, gzip, gzip', Buffer.from(text), 'encoded'],
  ] as const) {
    const server = await listen(t, (_, response) => {
      response.writeHead(200, { 'content-encoding': coding }).end(body)
    })
    const fetch = egress(t, peerOf(server.origin))
    if (expected === text || expected === '') {
      assert.equal(await (await fetch(server.origin)).text(), expected, coding)
    } else assert.equal((await refused(fetch(server.origin), 'upstream_broken')).detail, expected)
  }
})

test('[L8, Q46] ends a connection that answers with interim answers alone, whatever their number', async t => {
  for (const interim of [
    'HTTP/1.1 102 Processing\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    '\r\nHTTP/1.1 100 Continue\n\n',
    `HTTP/1.1 102 Processing\r\nx-trace: ${'a'.repeat(5_000)}\r\n\r\n`,
  ]) {
    let sent = 0
    let isOpen = true
    const server = await listenRaw(t, socket => {
      const pour = () => {
        while (isOpen && sent < 1_000_000 && socket.write(interim)) sent++
      }
      socket.on('close', () => {
        isOpen = false
      })
      socket.on('drain', pour).once('data', pour)
    })
    const call = egress(t, peerOf(server.origin))(server.origin, {
      badAnswer: 'bad_token_response',
    })
    const { detail } = await refused(call, 'bad_token_response')
    assert.equal(detail, 'endless interim answers')
    assert.ok(sent < 1_000_000, interim)
  }
})

test('[L7] refuses ten thousand headers, a broken answer, and what is not HTTP', async t => {
  const many = Array.from({ length: 10_000 }, (_, i) => `x-header-${i}: hunter2\r\n`).join('')
  for (const [answer, detail] of [
    [`HTTP/1.1 200 OK\r\n${many}\r\n`, 'the answer is not HTTP'],
    ['SSH-2.0-hunter2\r\n\r\n', 'the answer is not HTTP'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort', 'broken off'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhunter2', 'broken off'],
    ['HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n', 'no HTTP status'],
  ] as const) {
    const server = await listenRaw(t, socket => socket.once('data', () => socket.end(answer)))
    const error = await refused(egress(t, peerOf(server.origin))(server.origin), 'upstream_broken')
    assert.equal(error.detail, detail, answer.slice(0, 60))
    assert.doesNotMatch(inspect(error), /hunter2/)
  }
})

test('[CF-15] reads header names in any case', async t => {
  const server = await listenRaw(t, socket => {
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\neTaG: "x"\r\nCoNtEnT-lEnGtH: 2\r\n\r\n{}'),
    )
  })
  const response = await egress(t, peerOf(server.origin))(server.origin)
  assert.equal(response.headers.get('ETag'), '"x"')
})

test('[L8, T2] ends silence, slow headers and slow bodies at the deadline', async t => {
  const drip = (head: string) => (socket: import('node:net').Socket) => {
    socket.write(head)
    const timer = setInterval(() => socket.write('x'), 10)
    socket.on('close', () => clearInterval(timer))
  }
  for (const onSocket of [
    () => {},
    drip('HTTP/1.1 200 OK\r\nx-slow: '),
    drip('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n'),
  ]) {
    const server = await listenRaw(t, onSocket)
    const fetch = egress(t, peerOf(server.origin))
    await refused(fetch(server.origin, { timeoutMs: 100 }), 'issuer_timeout')
  }
})

test('[L8] ends a name look-up that never answers at the deadline', async t => {
  const peer = peerOf('https://ehr.test')
  const fetch = egress(t, peer, { resolveName: () => {}, timeoutMs: 100 })
  await refused(fetch('https://ehr.test/'), 'issuer_timeout')
})

test('[L8] frees the places of slow calls, so that later ones are served', async t => {
  let slow = true
  const server = await listenRaw(t, socket => {
    socket.on('data', () => slow || socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'))
  })
  const fetch = egress(t, peerOf(server.origin), { connections: 4, timeoutMs: 200 })
  const calls = Array.from({ length: 50 }, () => refused(fetch(server.origin), 'issuer_timeout'))
  await Promise.all(calls)
  slow = false
  assert.equal(await (await fetch(server.origin, { timeoutMs: 5000 })).text(), '{}')
})

test('tells a closed port, a closed connection and an unknown name as an unreachable issuer', async t => {
  const away = 'http://127.0.0.1:1'
  const error = await refused(egress(t, peerOf(away))(away), 'issuer_unreachable')
  assert.equal(error.detail, 'ECONNREFUSED')
  assert.ok(error.cause instanceof Error)
  const closing = await listenRaw(t, socket => socket.once('data', () => socket.destroy()))
  await refused(egress(t, peerOf(closing.origin))(closing.origin), 'issuer_unreachable')
  const notFound = Object.assign(new Error('no hunter2.test'), { code: 'ENOTFOUND' })
  const resolveName = (_: string, done: (error: Error, none: []) => void) => done(notFound, [])
  const unknown = egress(t, peerOf('https://ehr.test'), { resolveName })('https://ehr.test/')
  assert.equal((await refused(unknown, 'issuer_unreachable')).detail, 'ENOTFOUND')
})

test("ends with the caller's own signal and gives its reason", async t => {
  const server = await listenRaw(t, () => {})
  const controller = new AbortController()
  const call = egress(t, peerOf(server.origin))(server.origin, { signal: controller.signal })
  controller.abort(new Error('no longer wanted'))
  await assert.rejects(call, /no longer wanted/)
})

test('[T12] asks the server each time and retries nothing', async t => {
  let calls = 0
  const server = await listen(t, (_, response) => {
    calls++
    response.writeHead(calls < 3 ? 200 : 503, { 'cache-control': 'public, max-age=3600' }).end('{}')
  })
  const fetch = egress(t, peerOf(server.origin))
  for (const status of [200, 200, 503]) {
    assert.equal((await fetch(server.origin)).status, status)
  }
  assert.equal(calls, 3)
})

test('takes no answer of one call for another: extra bytes on an idle connection are dropped', async t => {
  const answer = (name: string) =>
    `HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`
  let served = 0
  const server = await listenRaw(t, socket => {
    socket.on('data', () => {
      served++
      socket.write(answer(`own-${served}`) + (served === 1 ? answer('foreign') : ''))
    })
  })
  const fetch = egress(t, peerOf(server.origin), { connections: 1 })
  assert.equal(await (await fetch(server.origin)).text(), 'own-1')
  assert.equal(await (await fetch(server.origin)).text(), 'own-2')
})

test('[DS5, DS13] calls that wait for an EHR are bounded, and go on when it answers again', async t => {
  const waiting: (() => void)[] = []
  const server = await listen(
    t,
    (_request, response) => void waiting.push(() => response.end('{}')),
  )
  const fetch = egress(t, peerOf(server.origin), { connections: 2, calls: 4 })
  const calls = Array.from({ length: 4 }, () => fetch(server.origin))
  const busy = await refused(fetch(server.origin), 'issuer_busy')
  assert.equal(busy.status, 503)
  const answered = Promise.all(calls)
  const timer = setInterval(() => {
    for (const go of waiting.splice(0)) go()
  }, 5)
  t.after(() => clearInterval(timer))
  for (const { status } of await answered) assert.equal(status, 200)
  assert.equal((await fetch(server.origin)).status, 200)
})

test('[L7, DS13] an answer of single bytes is the same, and refused at the same cap', async t => {
  const text = JSON.stringify({ keys: 'x'.repeat(100_000) })
  const server = await listenRaw(t, socket => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      socket.write([...text].map(char => `1\r\n${char}\r\n`).join(''))
      socket.write('0\r\n\r\n')
    })
  })
  const fetch = egress(t, peerOf(server.origin), { timeoutMs: 60_000 })
  assert.equal(await (await fetch(server.origin, { maxBytes: text.length })).text(), text)
  await refused(fetch(server.origin, { maxBytes: text.length - 1 }), 'upstream_broken')
})
