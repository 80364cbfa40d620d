// Readers of what comes in pieces over a connection or out of a file: interim heads, codings, events, audit
// chains.

import assert from 'node:assert/strict'
import * as zlib from 'node:zlib'
import { createEventReader } from '../../../client/server-events.ts'
import { followLine, linkLine, readSeal, START } from '../../../src/audit/chain.ts'
import { formatEvent } from '../../../src/browser/server-events.ts'
import { decode } from '../../../src/codings.ts'
import { createInterimFilter, EndlessInterim } from '../../../src/network/interim.ts'
import { createUtf8Check } from '../../../src/proxy/utf8.ts'
import { cuts, type Reader } from '../reader.ts'

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'
const MOST_DECODED = 1024 * 1024
const [one, two] = [linkLine(START, '{"a":1}'), linkLine(START, '{"b":"é"}')] as const

export const streamReaders: readonly Reader[] = [
  {
    name: 'interim answers',
    scraps: [
      CONTINUE,
      HINTS,
      OK,
      '\r\n',
      '\n',
      '\r',
      'HTTP/1.1 ',
      'HTTP/1.0 1',
      '100',
      '101 Switching Protocols\r\n',
      'H',
      ' ',
    ],
    samples: [CONTINUE + OK, HINTS + CONTINUE + OK, OK, CONTINUE.repeat(5)],
    read(text) {
      const whole = passInterim([text])
      for (const pieces of cuts(text)) {
        // What is held back at the end is no answer yet, however it was cut.
        assert.equal(passInterim(pieces), whole, 'in pieces it is another answer')
      }
      if (whole !== undefined) assert.ok(whole.length <= text.length)
    },
    work: text => passInterim([text]),
  },
  {
    name: 'coded bodies',
    scraps: [
      '\x1f\x8b',
      '\x78\x9c',
      '\x28\xb5\x2f\xfd',
      '\0',
      '\xff',
      latin1(zlib.gzipSync('x')),
      latin1(zlib.deflateSync('y')),
    ],
    samples: [
      latin1(zlib.gzipSync('a'.repeat(1_000))),
      latin1(zlib.brotliCompressSync('b')),
      latin1(zlib.zstdCompressSync('c')),
      latin1(zlib.deflateRawSync('d')),
    ],
    async read(text) {
      const body = Buffer.from(text, 'latin1')
      for (const coding of ['gzip', 'deflate', 'br', 'zstd'] as const) {
        try {
          const decoded = await decode(body, [coding], MOST_DECODED)
          assert.ok(decoded.length <= MOST_DECODED)
        } catch (error) {
          const { code = '' } = error as { code?: string }
          assert.match(code, /^(?:Z_|ERR_|ZSTD_)/, String(error))
        }
      }
      const coded = zlib.gzipSync(zlib.brotliCompressSync(body))
      assert.deepEqual(await decode(coded, ['br', 'gzip'], MOST_DECODED), body)
    },
  },
  {
    name: 'event stream',
    scraps: [
      'event: ',
      'data: ',
      'data:',
      'data',
      ':',
      '\n',
      '\r\n',
      '\r',
      '\n\n',
      'id: 1',
      'retry: 5',
      'é',
      '\ufeff',
      ' ',
    ],
    samples: [
      formatEvent('ended', { id: 'x', reason: 'user' }),
      ': \n\n',
      'data: a\ndata: b\n\n',
      'event: x\r\ndata: y\r\n\r\n',
    ],
    read(text) {
      const whole = createEventReader()(`${text}\n`)
      for (const pieces of cuts(`${text}\n`)) {
        const reader = createEventReader()
        assert.deepEqual(
          pieces.flatMap(piece => reader(piece)),
          whole,
          'in pieces there are other events',
        )
      }
      const [event] = createEventReader()(formatEvent('told', { text }))
      assert.deepEqual(
        [event?.type, JSON.parse(event?.data ?? '')],
        ['told', { text: text.toWellFormed() === text ? text : JSON.parse(JSON.stringify(text)) }],
      )
    },
    work(text) {
      const reader = createEventReader()
      for (let at = 0; at < text.length; at += 16) reader(text.slice(at, at + 16))
    },
  },
  {
    name: 'audit chain',
    scraps: [
      '{"seq":',
      '"prev":"',
      '"hash":"',
      '"event":',
      '"seal":',
      one.head.hash,
      START.hash,
      '1',
      '2',
      ',',
      '}',
      '{}',
      '"',
    ],
    samples: [one.line, two.line, linkLine(one.head, '{"c":2}').line],
    read(text) {
      const link = followLine(START, text)
      if (typeof link !== 'string') {
        const again = link.isSeal ? undefined : linkLine(START, link.content)
        if (again)
          assert.deepEqual(again, { line: text, head: link.head }, 'another line has this hash')
        assert.equal(link.head.count, 1)
      }
      readSeal(text)
      const event = JSON.stringify({ text: text.toWellFormed() })
      const { line, head } = linkLine(one.head, event)
      assert.deepEqual(followLine(one.head, line), { head, content: event, isSeal: false })
      assert.notEqual(
        typeof followLine(two.head, line),
        'object',
        'it belongs behind another line too',
      )
    },
    work: text => followLine(START, text),
  },
  {
    name: 'UTF-8',
    scraps: [
      '\xc3\xa9',
      '\xc0\x80',
      '\xed\xa0\x80',
      '\xf4\x90\x80\x80',
      '\xef\xbb\xbf',
      '\xff',
      'a',
      '\x80',
    ],
    samples: ['caf\xc3\xa9', '\xf0\x9f\x98\x80', 'plain'],
    read(text) {
      const bytes = Buffer.from(text, 'latin1')
      let isUtf8 = true
      try {
        new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
      } catch {
        isUtf8 = false
      }
      for (const pieces of [[text], ...cuts(text)]) {
        assert.equal(checkUtf8(pieces), isUtf8, `in ${pieces.length} pieces`)
      }
    },
    work: text => checkUtf8([text]),
  },
]

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/** What is handed on; undefined where there are too many. */
function passInterim(pieces: readonly string[]): string | undefined {
  const filter = createInterimFilter()
  filter.expect()
  let passed = ''
  try {
    for (const piece of pieces)
      passed += filter.pass(Buffer.from(piece, 'latin1'))?.toString('latin1') ?? ''
    return passed
  } catch (error) {
    if (error instanceof EndlessInterim) return undefined
    throw error
  }
}

function checkUtf8(pieces: readonly string[]): boolean {
  const check = createUtf8Check()
  return pieces.every(piece => check.push(Buffer.from(piece, 'latin1'))) && check.end()
}
