import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MIMEType } from 'node:util'
import fc from 'fast-check'
import {
  documentKind,
  encodingOf,
  inUtf8,
  isUtf8,
  parseMediaType,
} from '../../src/proxy/media-type.ts'

const kind = (value: string, ofBinary = false) => {
  const type = parseMediaType(value)
  return type && documentKind(type, ofBinary)
}

const { written, ...meant } = parseMediaType('Application/FHIR+JSON; Charset="UTF-8"; v=4.0') ?? {}

test('reads type and charset, and leaves what is well written as it is', () => {
  assert.deepEqual(meant, { name: 'application/fhir+json', charset: 'utf-8' })
  assert.equal(written, 'Application/FHIR+JSON; Charset="UTF-8"; v=4.0')
  assert.equal(parseMediaType('text/xml')?.charset, undefined)
  for (const value of [
    undefined,
    '',
    'json',
    'a/b/c',
    'a /b',
    '/b',
    'a/',
    'utf-8',
    [],
    ['', 'x'],
  ]) {
    assert.equal(parseMediaType(value), undefined)
  }
})

test('[Q53] what is longer than any media type is none', () => {
  const longest = `text/xml; a=${'x'.repeat(244)}`
  assert.equal(longest.length, 256)
  assert.ok(parseMediaType(longest))
  assert.equal(parseMediaType(`${longest}x`), undefined)
  const list = ['', ...Array(50).fill('text/xml; a=xxxxxxxxxxxx')].join(',').slice(0, 1_024)
  assert.ok(parseMediaType(list))
  assert.equal(parseMediaType(`${list},`), undefined)
})

test('[Q53] what servers get wrong about a media type is read, and written right', () => {
  const rows: [string | string[], string][] = [
    ['application/json; charset=utf-8;', 'application/json;charset=utf-8'],
    ['a/b;;c=d', 'a/b;c=d'],
    ['a/b; c', 'a/b'],
    ['a/b; c=', 'a/b'],
    ['  a/b\t', 'a/b'],
    ['application/json ; charset=UTF-8;', 'application/json;charset=utf-8'],
    ["application/json;;charset='utf-8'", 'application/json;charset=utf-8'],
    ['application/json; charset= utf-8', 'application/json;charset=utf-8'],
    ['a/b; c="d', 'a/b;c=d'],
    ['a/b; c="d e\\"" x; f=g', 'a/b;c="d e\\"";f=g'],
    [['application/json', 'application/json'], 'application/json'],
    ['application/json, application/json', 'application/json'],
    [['text/html', 'application/json; charset=utf-8'], 'application/json; charset=utf-8'],
    [['application/json; charset=utf-8', 'application/json'], 'application/json; charset=utf-8'],
    ['application/json, */*, nonsense', 'application/json'],
    ['a/b; c="d,e"', 'a/b; c="d,e"'],
    ['a/b;=""charset=utf-8;c=d', 'a/b;c=d'],
    ['a/b;x="y"charset=utf-8;c=d', 'a/b;x=y;c=d'],
    ['a/b;x=é;x=y;c=d', 'a/b;c=d'],
  ]
  for (const [value, expected] of rows) {
    assert.equal(parseMediaType(value)?.written, expected, String(value))
  }
})

// Node's own reader of WHATWG MIME Sniffing is the reference.
test('[Q53] any text means what it means to a browser, and what we write is strict', () => {
  const scrap = fc.constantFrom(
    ...['a/b', 'application/json', ';', ';', '=', '"', ' ', '\t', 'charset', 'x', 'y', 'utf-8'],
    ...['\\', '/', 'é', '(', 'Text/HTML', "'"],
  )
  const text = fc.oneof(
    fc.array(scrap, { maxLength: 12 }).map(scraps => scraps.join('')),
    fc.array(scrap, { maxLength: 12 }).map(scraps => `a/b;${scraps.join('')}`),
  )
  // Behind a quoted value the reference reads on where the standard skips to the next parameter.
  const isMisread = (value: string) => /="(?:[^"\\]|\\.)*"[^;]/.test(value)
  fc.assert(
    fc.property(text, value => {
      fc.pre(!isMisread(value))
      const read = parseMediaType(value)
      const reference = parse(value.trim())
      assert.equal(read?.name, reference?.essence)
      if (read === undefined) return
      assert.match(read.written, STRICT)
      const again = parse(read.written)
      for (const [name, expected] of reference?.params ?? []) {
        const isPlain = /^[\t -~]*$/.test(expected)
        if (name === 'charset' && isPlain) assert.equal(read.charset, bare(expected), value)
        else assert.equal(again?.params.get(name) ?? null, isPlain ? expected : null, value)
      }
    }),
    { numRuns: 20_000 },
  )
})

const STRICT =
  /^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+(?: ?; ?[!#$%&'*+.^_`|~\w-]+=(?:[!#$%&'*+.^_`|~\w-]+|"(?:[\t !#-[\]-~]|\\[\t -~])*"))*$/

const bare = (label: string) => label.replace(/^['\t ]+|['\t ]+$/g, '').toLowerCase()

function parse(value: string): MIMEType | undefined {
  try {
    return new MIMEType(value)
  } catch {
    return undefined
  }
}

test('knows the documents of FHIR, of all its versions', () => {
  assert.equal(kind('application/fhir+json'), 'json')
  assert.equal(kind('application/json+fhir;charset=utf-8'), 'json')
  assert.equal(kind('application/ndjson'), 'json')
  assert.equal(kind('application/fhir+ndjson'), 'json')
  assert.equal(kind('application/fhir+xml'), 'xml')
  assert.equal(kind('text/xml'), 'xml')
  for (const value of ['text/plain', 'text/event-stream', 'application/pdf', 'constructor/x']) {
    assert.equal(kind(value), undefined)
  }
})

test('below Binary a JSON or XML file is a file', () => {
  assert.equal(kind('application/json', true), undefined)
  assert.equal(kind('application/xml', true), undefined)
  assert.equal(kind('application/ndjson', true), undefined)
  assert.equal(kind('application/fhir+json', true), 'json')
})

test('[Q53] a charset is an encoding by any of its names, and UTF-8 once it was decoded', () => {
  assert.ok(isUtf8({}) && isUtf8({ charset: 'us-ascii' }) && !isUtf8({ charset: 'utf-16' }))
  assert.equal(encodingOf('iso-8859-1'), 'windows-1252')
  assert.equal(encodingOf('utf-16'), 'utf-16le')
  for (const label of ['x-ours', '', 'utf-7']) assert.equal(encodingOf(label), undefined)
  const type = parseMediaType('application/fhir+json; charset=latin1; fhirVersion=4.0')
  assert.equal(type && inUtf8(type).written, 'application/fhir+json;charset=utf-8;fhirversion=4.0')
})
