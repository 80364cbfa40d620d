import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJsonObject } from '../../src/smart/json.ts'
import { assertLinear, countSteps } from '../work/steps.ts'

function parse(text: string) {
  return parseJsonObject(new TextEncoder().encode(text))
}

test('reads any object that JSON can say', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 10 })),
      fc.nat(4),
      (value, indent) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'))
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual(parse(text), { kind: 'object', object: JSON.parse(text) })
      },
    ),
  )
})

test('skips a byte order mark and white space', () => {
  assert.deepEqual(parse('\ufeff \r\n\t{"a":1}\n'), { kind: 'object', object: { a: 1 } })
})

test('[CF-04, L9] tells pages, XML and nothing from broken JSON', () => {
  for (const text of [
    '',
    ' ',
    '<html>',
    '<?xml version="1.0"?>',
    'null',
    '1',
    '"text"',
    'NaN',
    'OK',
  ]) {
    assert.equal(parse(text).kind, 'other', text)
  }
  for (const text of [
    '{',
    '{"a":',
    '[]',
    '[{}]',
    '{"a":1}}',
    '{a:1}',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":1,}',
    '{} x',
  ]) {
    assert.equal(parse(text).kind, 'bad', text)
  }
})

test('[L9] refuses bytes that are not UTF-8', () => {
  const utf16 = Buffer.from('\ufeff{"a":1}', 'utf16le')
  assert.equal(parseJsonObject(utf16).kind, 'other')
  assert.equal(parseJsonObject(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)).kind, 'other')
})

test('[L9] reads the charset that a type names, where the bytes are not UTF-8', () => {
  const [name, text] = ['José', '{"username":"José"}']
  const latin1 = Buffer.from(text, 'latin1')
  const utf16 = Buffer.from(text, 'utf16le')
  for (const [bytes, type] of [
    [latin1, 'application/json;charset=ISO-8859-1'],
    [latin1, 'application/json; Charset="windows-1252"'],
    [latin1, "application/fhir+json; x=1; charset='latin1'"],
    [utf16, 'application/json; charset=utf-16'],
    // A label that lies, as the default of servlets does.
    [Buffer.from(text), 'application/json;charset=ISO-8859-1'],
    [Buffer.from(text), 'application/json; charset=nobody-knows'],
  ] as const) {
    const read = parseJsonObject(bytes, type)
    assert.deepEqual(read.kind === 'object' && read.object, { username: name }, type)
  }
  for (const type of ['', 'application/json', 'x; charset=utf-8', 'x; charset=iso-2022-jp']) {
    assert.equal(parseJsonObject(latin1, type).kind, 'other', type)
  }
  assert.equal(parseJsonObject(latin1, null).kind, 'other')
})

test('[L9] refuses a name that occurs twice in one object, however it is spelled', () => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a":{"b":1, "b" :2}}',
    '{"a":[{"x":{},"y":"\\"","x":[]}]}',
  ]) {
    assert.equal(parse(text).kind, 'bad', text)
  }
  for (const text of [
    '{"a":{"a":{"a":"a"}}}',
    '{"a":[{"a":1},{"a":2}]}',
    '{"a":"a\\\\","b":"{\\"a\\":"}',
  ]) {
    assert.equal(parse(text).kind, 'object', text)
  }
})

test('[L9] refuses __proto__ and leaves the prototype alone', () => {
  for (const text of ['{"__proto__":{"polluted":1}}', '{"a":{"\\u005f_proto__":1}}']) {
    assert.equal(parse(text).kind, 'bad')
  }
  assert.equal(parse('{"constructor":{"prototype":{"polluted":1}}}').kind, 'object')
  assert.equal('polluted' in {}, false)
})

test('[L7, DS4] refuses depth without spending stack', () => {
  assert.equal(parse('['.repeat(100_000)).kind, 'bad')
  assert.equal(parse(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`).kind, 'bad')
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  assert.equal(parse(nested(64)).kind, 'object')
  assert.equal(parse(nested(65)).kind, 'bad')
})

test('[L7, DS10] a document of more values than any has is refused before it is parsed', () => {
  const list = (length: number) => `{"a":[${'{},'.repeat(length)}1]}`
  assert.equal(parse(list(120_000)).kind, 'object')
  assert.equal(parse(list(130_000)).kind, 'bad')
  const members = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":${i}`)}}`
  assert.equal(parse(members(1000)).kind, 'object')
  assert.equal(parse(members(1001)).kind, 'bad')
  assert.ok(countSteps(() => parse(members(200_000))) < 100_000)
})

test('[DS10, L7] work grows no faster than the document', () => {
  const hostile: Record<string, (size: number) => string> = {
    'a string without end': size => `{"${'a'.repeat(size)}`,
    'escapes without end': size => `{"${'\\'.repeat(size)}`,
    'names without values': size => `{${'"a"'.repeat(size)}`,
    'spaces behind names': size => `{${`"a"${' '.repeat(20)}`.repeat(size)}`,
    'members of lists': size => `{"a":[${'{"b":1},'.repeat(size)}1]}`,
    'names of one length': size => `{"a":[${'{"abc":{"d":""}},'.repeat(size)}1]}`,
    'brackets that close': size => `{${'}'.repeat(size)}`,
  }
  for (const [name, build] of Object.entries(hostile)) {
    assertLinear(size => parse(build(size)), 1000, name)
  }
})

test('[L9] never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      parseJsonObject(bytes)
      parseJsonObject(Buffer.concat([Buffer.from('{'), bytes]))
    }),
  )
})
