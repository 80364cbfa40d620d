// Answers to protocol steps: of any size, coding and form, read as far as the cap and refused beyond.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { measureHeld } from '../world/held-memory.ts'
import { egress, peerOf, refused } from './egress-rig.ts'
import { listen, listenRaw } from './listen.ts'

test('gives a Response without a body for 204 and 304', async t => {
  for (const status of [204, 304]) {
    const server = await listen(t, (_, response) => response.writeHead(status).end())
    const response = await egress(t, peerOf(server.origin))(server.origin)
    assert.equal(response.status, status)
    assert.equal(response.body, null)
  }
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
  const before = measureHeld()
  for (let round = 0; round < 40; round++) {
    const call = fetch(server.origin, { maxBytes: 64 * 1024, badAnswer: 'bad_metadata' })
    assert.equal((await refused(call, 'bad_metadata')).detail, 'too large')
  }
  assert.ok(measureHeld() - before < 20 * 2 ** 20, 'memory grew by more than 20 MB')
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
