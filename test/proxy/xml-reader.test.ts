import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createXmlReader, LONGEST_VALUE } from '../../src/proxy/xml-reader.ts'
import { decodeXmlText, encodeXmlText } from '../../src/proxy/xml-text.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { refusalOf } from './refusal.ts'

/** Elements and their `value` attributes, as they come. */
type Read = string[] | undefined

function read(text: string | Buffer, size = 65_536): Read {
  const found: string[] = []
  const bytes = Buffer.from(text)
  const code = refusalOf(() => {
    const reader = createXmlReader({
      open: name => void found.push(`<${name}`),
      close: () => void found.push('>'),
      wants: name => name === 'value',
      value(raw, at) {
        if (raw.length < LONGEST_VALUE)
          assert.equal(bytes.toString('latin1', at, at + raw.length), raw)
        found.push(decodeXmlText(raw))
      },
    })
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
    reader.end()
  })
  assert.ok(code === undefined || code === 'body_invalid', code)
  return code === undefined ? found : undefined
}

const scrap = fc.constantFrom(
  ...[
    '<a>',
    '</a>',
    '<a',
    '/>',
    '>',
    '<b value="1"/>',
    ' value="x"',
    " value='y'",
    ' value = "é\t\n"',
  ],
  ...[
    ' z="value=\'q\'"',
    ' p:value="w"',
    ' xmlns:p="u"',
    ' xmlns="v"',
    '<p:a',
    '</p:a>',
    'text',
    '"',
  ],
  ...[
    '&amp;',
    '&#x41;',
    '&#66;',
    '&lt;',
    '&x;',
    '&',
    '<!-- c -->',
    '<!--',
    '-->',
    '--',
    '<![CDATA[<b/>]]>',
  ],
  ...[
    ']]>',
    '<?p i?>',
    '<?xml version="1.0"?>',
    '<!DOCTYPE a>',
    ' ',
    '\n',
    '\r\n',
    '\r',
    '=',
    "'",
    '\u{1f600}',
  ],
  ...[' value="&#xe9;&quot;\r\n&#10;"', ' value="a>b"', '\u0001', '\ufffe', ' é="1"'],
)
const document = fc
  .tuple(fc.array(scrap, { maxLength: 8 }), fc.array(scrap, { maxLength: 4 }), fc.boolean())
  .map(([inner, attributes, isTidy]) => {
    const kept = isTidy ? attributes.filter(text => /^ (?:p:)?[a-z:]+ ?=/.test(text)) : attributes
    return `<a xmlns:p="u"${kept.join('')}>${inner.join('')}</a>`
  })

test('[P32] nothing depends on where the pieces end', () => {
  fc.assert(
    fc.property(document, fc.integer({ min: 1, max: 9 }), (text, size) => {
      assert.deepEqual(read(text, size), read(text), text)
    }),
    { numRuns: 2000 },
  )
})

test('[P32] bytes that are not UTF-8 are refused, wherever they stand and in whatever pieces', () => {
  const [before, after] = ['<a value="é">', '</a>'].map(text => Buffer.from(text))
  for (const bytes of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
    for (const size of [1, 2, 65_536]) {
      const bad = Buffer.from(bytes)
      const whole = [before, bad, after] as Buffer[]
      assert.equal(read(Buffer.concat(whole), size), undefined, `${bytes}`)
      assert.equal(read(Buffer.concat([...whole].with(2, Buffer.alloc(0))), size), undefined)
      assert.equal(read(Buffer.concat([...whole, bad]), size), undefined)
    }
  const cut = Buffer.concat([before as Buffer, after as Buffer, Buffer.from('<!-- é -->')])
  assert.ok(read(cut))
})

test('a value comes back as it was, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), value => {
      if (/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(value)) return
      const written = Buffer.from(encodeXmlText(value), 'latin1').toString()
      assert.deepEqual(read(`<a value="${written}"/>`), ['<a', value, '>'])
      assert.deepEqual(read(`<a value='${written}'/>`), ['<a', value, '>'])
    }),
  )
})

test('[P32, P33] what a reader would have to keep has bounds', () => {
  const nested = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`
  assert.ok(read(nested(128)))
  assert.equal(read(nested(129)), undefined)
  const attributes = (count: number) =>
    `<a${Array.from({ length: count }, (_, i) => ` a${i}=""`).join('')}/>`
  assert.ok(read(attributes(256)))
  assert.equal(read(attributes(257)), undefined)
  assert.equal(read(`<${'a'.repeat(300)}/>`), undefined)
  assert.equal(read(`<a ${'a'.repeat(300)}=""/>`), undefined)
  assert.ok(read(`<a>${'<!-- - - -->'.repeat(100_000)}</a>`))
  assert.ok(read(`<a value="${'YWJj\n'.repeat(200_000)}"/>`))
  assert.equal(read(`<a><!--${' -'.repeat(400_000)}--></a>`), undefined)
  assert.equal(read(`<a value="${'\n'.repeat(400_000)}"/>`), undefined)
  assert.equal(read(`${' '.repeat(200_000)}<a/>`), undefined)
  assert.equal(read(`<!DOCTYPE a [${'<'.repeat(200_000)}`), undefined)
})

// Refused here alone: document types, names in other letters than ASCII's, a namespace declared twice.
const VALUES = /=\s*(?:"[^"]*"|'[^']*')/g
const STRICTER = /<!DOCTYPE|<[^<>]*[^\0-\x7f]|(xmlns(?::p)?=)[^>]*\1/
const readInPage = `documents => {
  const visit = element => [
    '<' + element.localName,
    ...[...element.attributes].filter(a => a.localName === 'value').map(a => a.value),
    ...[...element.children].flatMap(visit),
    '>',
  ]
  return documents.map(text => {
    const parsed = new DOMParser().parseFromString(text, 'application/xml')
    return parsed.querySelector('parsererror') ? undefined : visit(parsed.documentElement)
  })
}`

describe('beside Chromium', { skip: !hasChromium() }, () => {
  test('[P32, P12] what is read is what another parser reads', async t => {
    const chromium = await launchChromium()
    t.after(() => chromium.close())
    const page = await chromium.newPage()
    const texts = fc.sample(document, 4000)
    const theirs = (await page.evaluate(`(${readInPage})(${JSON.stringify(texts)})`)) as Read[]
    let agreed = 0
    for (const [i, text] of texts.entries()) {
      const ours = read(text)
      if (ours === undefined && STRICTER.test(text.replace(VALUES, '='))) continue
      assert.deepEqual(ours, theirs[i] ?? undefined, text)
      if (ours) agreed++
    }
    assert.ok(agreed > 100, `${agreed} of ${texts.length} were well-formed`)
  })
})
