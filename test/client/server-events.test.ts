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

test('an event that does not end, in one line or in many, is refused', () => {
  for (const chunk of ['data: '.padEnd(64_000, 'x'), `data: ${'x'.repeat(64_000)}\n`]) {
    const read = createEventReader()
    assert.throws(() => {
      for (let count = 0; count < 100; count++) read(chunk)
    }, /too long/)
  }
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
