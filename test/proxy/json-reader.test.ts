import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createJsonReader } from '../../src/proxy/json-reader.ts'
import { decodeJsonText } from '../../src/proxy/json-text.ts'
import { assertLinear } from '../work/steps.ts'
import { judge } from './judging.ts'
import { refusalOf } from './refusal.ts'

interface Read {
  names: string[]
  strings: string[]
}

function read(
  text: string | Buffer,
  { lines = false, size = 65_536, areNamesAsked = true } = {},
): Read | undefined {
  const found: Read = { names: [], strings: [] }
  const code = refusalOf(() => {
    const reader = createJsonReader(
      {
        open() {},
        close() {},
        name: areNamesAsked ? name => void found.names.push(name) : undefined,
        wants: () => true,
        string: raw => void found.strings.push(decodeJsonText(raw)),
      },
      { lines },
    )
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
    reader.end()
  })
  assert.ok(code === undefined || code === 'body_invalid', code)
  return code === undefined ? found : undefined
}

/** What JSON.parse makes of a text; undefined where it refuses, or where a name is lost. */
function parse(text: string): Read | undefined {
  const found: Read = { names: [], strings: [] }
  const visit = (value: unknown): void => {
    if (typeof value === 'string') found.strings.push(value)
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value)) {
      if (!Array.isArray(value)) found.names.push(name)
      visit(member)
    }
  }
  try {
    visit(JSON.parse(text))
  } catch {
    return undefined
  }
  const members = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1
  const isReadable = found.names.every(name => !/[\p{Cc}\p{Cs}]/u.test(name))
  return members === found.names.length && isReadable ? found : undefined
}

const sorted = (read: Read | undefined) => read && [read.names.sort(), read.strings.sort()]

test('[P32] names that nobody asks for are judged like those that are', () => {
  const name = fc.oneof(
    fc.string({ unit: 'grapheme' }).map(text => JSON.stringify(text)),
    fc.constantFrom('"a"', '"\\u0061"', '"é"', '"\\u00e9"', '"\\x"', '"\\ud83d"', '"a\u0001"'),
  )
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (all, size) => {
      const text = `{${all.map(one => `${one}:"x"`).join(',')}}`
      const asked = read(text, { size })
      const unasked = read(text, { size, areNamesAsked: false })
      assert.equal(unasked === undefined, asked === undefined, text)
    }),
    { numRuns: 2_000 },
  )
  assert.ok(read('{"é":1,"\\u0061":2}', { areNamesAsked: false }))
})

test('[P32] what is read is what JSON.parse reads, and the rest is refused alike', () => {
  const scrap = fc.constantFrom(
    ...['"', '\\', '\\u0041', '\\ud83d', '\\x', '{', '}', '[', ']', ',', ':', '0', '-', '1.', 'e5'],
    ...[
      '01',
      'true',
      'nul',
      ' ',
      '\n',
      '\t',
      '\u0001',
      '/*x*/',
      '//',
      "'",
      'é',
      '\u{1f600}',
      '\ufeff',
    ],
    ...['"a":1,', '"a"', 'NaN', '\u2028', '+1', '.5', '1e', '\u00a0'],
  )
  const place = fc.nat(200)
  const change = fc.tuple(place, fc.nat(2), scrap)
  let accepted = 0
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.array(change, { maxLength: 3 }), (json, changes) => {
      let text = json
      for (const [at, cut, what] of changes) {
        text = text.slice(0, at) + what + text.slice(at + cut)
      }
      const expected = parse(text)
      if (expected) accepted++
      if (!text.isWellFormed()) return
      for (const size of [1, 3, 65_536])
        assert.deepEqual(sorted(read(text, { size })), sorted(expected), text)
    }),
    { numRuns: 3000 },
  )
  assert.ok(accepted > 500, `${accepted}`)
})

test('[P32] what readers could take for something else is refused', () => {
  const bodies: (string | Buffer)[] = [
    ...['', ' ', '{}x', '{}{}', '{} 1', '[1,]', '{"a":1,}', '{a:1}', "{'a':1}", '[1 2]', '{"a" 1}'],
    ...['/**/{}', '{}//', '[NaN]', '[Infinity]', '[+1]', '[01]', '[.5]', '[1.]', '[0x1]', '[TRUE]'],
    ...[
      '\ufeff{}',
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '{"b":{"a":1,"a":1}}',
      '[{"a":1,"a":1}]',
    ],
    ...[
      '{"a\\u0000":1}',
      '{"\\ud800":1}',
      '["\u0001"]',
      '["\\x41"]',
      '["\\u12"]',
      '[1}',
      '{"a":1]',
    ],
    ...[
      '{',
      '[',
      '"',
      '"\\',
      '"\\u00',
      '-',
      '1e',
      'tru',
      '{"a"',
      '{"a":',
      ']',
      '}',
      ',',
      ':',
      '[,1]',
    ],
    ...[
      Buffer.from('{}', 'utf16le'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from([0x22, 0xc3, 0x28, 0x22]),
    ],
    ...[Buffer.from([0x22, 0xe2, 0x82]), Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    `{"${'x'.repeat(300)}":1}`,
  ]
  for (const body of bodies) {
    for (const size of [1, 65_536]) assert.equal(read(body, { size }), undefined, String(body))
  }
})

test('[P32, DS4] depth and names have bounds', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  assert.ok(read(nested(128)))
  assert.equal(read(nested(129)), undefined)
  const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  assert.ok(read(objects(128)))
  assert.equal(read(objects(129)), undefined)
  const names = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":0`)}}`
  assert.ok(read(`[${names(1024)},${names(1024)}]`))
  assert.equal(read(names(1025)), undefined)
})

test('[P32] how long a name is does not depend on how it is written, or in which pieces it comes', () => {
  for (const [name, isTaken] of [
    ['\u{10000}'.repeat(100), true],
    ['\u{10000}'.repeat(129), false],
    ['a'.repeat(256), true],
    ['a'.repeat(257), false],
    ['\\u0061'.repeat(256), true],
    ['\\u0061'.repeat(257), false],
  ] as const) {
    for (const pieces of [[100_000], [1], [7]]) {
      const { sent } = judge('json', `{"${name}":1}`, { pieces })
      assert.equal(sent !== undefined, isTaken, `${name.slice(0, 6)} × ${name.length} in ${pieces}`)
    }
  }
})

test('[P32] NDJSON: a text on each line, and each strict', () => {
  for (const good of ['', '\n', '{}', '{}\n', '{}\n{}', '{}\r\n\n{"a":1}\n', '1\n2', ' {} \n']) {
    assert.ok(read(good, { lines: true }), JSON.stringify(good))
  }
  for (const bad of [
    '{}{}',
    '{\n}',
    '[1,\n2]',
    '{} {}',
    '{}\n{',
    '"a\nb"',
    '{"a":1,"a":2}',
    '{}\n]',
  ]) {
    assert.equal(read(bad, { lines: true }), undefined, JSON.stringify(bad))
  }
})

test('a long string is given with its beginning', () => {
  for (const size of [1000, 65_536]) {
    const [short, long] = read(JSON.stringify(['x', 'y'.repeat(200_000)]), { size })?.strings ?? []
    assert.equal(short, 'x')
    assert.equal(long, 'y'.repeat(65_536))
  }
})

test('[DS3, DS4, P32] reading takes work that grows no faster than the text', () => {
  const units = [
    ...[
      '[',
      '[],',
      '{},',
      '{"a":1},',
      '"',
      '""',
      '"h",',
      '\\',
      '"\\u0041',
      '1',
      '1,',
      ' ',
      '\n',
      '-',
    ],
    ...['"a":1,', 'true,', '[[]],', '\u00e9', '"é",'],
  ]
  for (const unit of units) {
    for (const start of ['[', '["', '{"a":']) {
      assertLinear(size => void read(start + unit.repeat(size), { size: 500 }), 1000, start + unit)
    }
  }
})
