// Server-Sent Events by the WHATWG's interpretation, however the bytes are cut.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEventReader, readEvents } from '../../client/server-events.ts'

test('reads types, data of several lines, comments and every end of line', () => {
  const read = createEventReader()
  const text =
    ': hello\n\nevent: a\r\ndata: one\r\ndata:two\r\n\r\nid: 7\rdata\rretry: 5\r\rdata:  x: y\n\nevent: lost\n\ndata: z\n\n'
  assert.deepEqual(read(text), [
    { type: 'a', data: 'one\ntwo' },
    { type: 'message', data: '' },
    { type: 'message', data: ' x: y' },
    { type: 'message', data: 'z' },
  ])
  assert.deepEqual(read('data: not whole\n'), [])
  assert.deepEqual(read('\n'), [{ type: 'message', data: 'not whole' }])
})

test('cuts between bytes, within a character and within an end of line change nothing', async () => {
  const line = fc.string({ unit: 'grapheme' }).filter(text => !/[\r\n\0]/.test(text))
  const event = fc.record({ type: line, data: fc.array(line, { minLength: 1 }) })
  const ends = fc.constantFrom('\n', '\r\n', '\r')
  await fc.assert(
    fc.asyncProperty(fc.array(event), ends, fc.array(fc.nat(9)), async (events, end, cuts) => {
      const text = events
        .map(({ type, data }) =>
          [`event: ${type}`, ':', ...data.map(one => `data: ${one}`), '', ''].join(end),
        )
        .join('')
      const bytes = new TextEncoder().encode(`${text}:${end}`)
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          let at = 0
          for (const size of cuts) {
            controller.enqueue(bytes.subarray(at, at + size))
            at += size
          }
          controller.enqueue(bytes.subarray(at))
          controller.close()
        },
      })
      const found = []
      for await (const one of readEvents(body, 60_000)) found.push(one)
      assert.deepEqual(
        found,
        events.map(({ type, data }) => ({ type: type || 'message', data: data.join('\n') })),
      )
    }),
  )
})

test('an end of line that is cut is one, and one that is whole ends its event at once', () => {
  const read = createEventReader()
  assert.deepEqual(read('data: a\r'), [])
  assert.deepEqual(read('\n\r'), [{ type: 'message', data: 'a' }])
  for (const piece of ['', '\n', 'data: b', '\r', '']) assert.deepEqual(read(piece), [])
  assert.deepEqual(read('\r'), [{ type: 'message', data: 'b' }])
})

test('a byte order mark before the first line belongs to no line', async () => {
  const body = new Blob(['\ufeffdata: a\n\n\ufeffdata: b\n\ndata: c\n\n']).stream()
  const found = []
  for await (const { data } of readEvents(body, 60_000)) found.push(data)
  assert.deepEqual(found, ['a', 'c'])
})

const endless = {
  'in one line': 'data: '.padEnd(64_000, 'x'),
  'in many lines': `data: ${'x'.repeat(64_000)}\n`,
  'in lines of nothing': 'data\n'.repeat(12_800),
}
for (const [how, chunk] of Object.entries(endless)) {
  test(`an event that does not end is refused: ${how}`, () => {
    const read = createEventReader()
    assert.throws(() => {
      for (let count = 0; count < 100; count++) read(chunk)
    }, /too long/)
  })
}

test('an event that is too long is refused however it is cut, and many short ones are not', () => {
  const long = `data: ${'x'.repeat(1_000_000)}\n\n`
  for (const pieces of [[long], long.match(/.{1,999}/gs) ?? []]) {
    const read = createEventReader()
    assert.throws(() => pieces.map(read), /too long/)
  }
  const short = `data: ${'x'.repeat(999)}\n\n`.repeat(2_000)
  assert.equal(createEventReader()(short).length, 2_000)
})

test('a stream that says nothing ends with an error, and is let go', async () => {
  let isLetGo = false
  const body = new ReadableStream<Uint8Array>({
    cancel() {
      isLetGo = true
    },
  })
  await assert.rejects(readEvents(body, 5).next(), /silent/)
  assert.ok(isLetGo)
})
