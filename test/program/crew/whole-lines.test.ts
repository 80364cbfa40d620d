import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createWholeLines } from '../../../program/crew/whole-lines.ts'

test('lines that come in pieces are passed on whole, in their order', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map(text => {
    return `${text.replaceAll('\n', ' ')}\n`
  })
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 30 })), (lines, cuts) => {
      const written: string[] = []
      const take = createWholeLines(part => written.push(part.toString()))
      let rest = Buffer.from(lines.join(''))
      for (const cut of cuts) {
        take(rest.subarray(0, cut))
        rest = rest.subarray(cut)
      }
      take(rest)
      assert.equal(written.join(''), lines.join(''))
      for (const part of written) assert.ok(part.endsWith('\n'))
    }),
  )
})

test('a line without an end does not fill the memory', () => {
  const written: Buffer[] = []
  const take = createWholeLines(part => written.push(part))
  for (let piece = 0; piece < 20; piece++) take(Buffer.alloc(128 * 1024, 'x'))
  assert.equal(written.length, 2)
  assert.ok(written.every(part => part.at(-1) === 10))
})
