// A decoder calls back from the event loop: what its next step throws ends that answer, and nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { BrokerError } from '../../src/errors.ts'
import { createInflater } from '../../src/exchange/inflater.ts'
import {
  createCollector,
  createRewriter,
  type Outlet,
  type Sink,
} from '../../src/exchange/sinks.ts'

/** An outlet that keeps what it is told, but for the steps that a test replaces. */
function createOutlet(changes: Partial<Outlet> = {}) {
  const failed = Promise.withResolvers<Error>()
  const errors: Error[] = []
  const outlet: Outlet = {
    begin: () => {},
    write: () => true,
    finish: () => {},
    finishWhole: () => {},
    onDrain: () => {},
    onError(error) {
      errors.push(error)
      failed.resolve(error)
    },
    ...changes,
  }
  return { outlet, errors, failed: failed.promise }
}

const DOCUMENT = '{"resourceType":"Patient"}'
const LENGTH = DOCUMENT.length

function fail(): never {
  throw new TypeError('a mistake')
}

const failing: [name: string, changes: Partial<Outlet>, next?: (outlet: Outlet) => Sink][] = [
  ['the client is written to', { write: fail }],
  ['the answer is ended', { finish: fail }],
  ['a piece is rewritten', {}, outlet => createRewriter(outlet, { push: fail, end: () => '' })],
  ['the last piece is', {}, outlet => createRewriter(outlet, { push: text => text, end: fail })],
  ['a whole document is', {}, outlet => createCollector(outlet, LENGTH, fail)],
  [
    'its head is sent',
    { finishWhole: fail },
    outlet => createCollector(outlet, LENGTH, text => text),
  ],
]

for (const [name, changes, next] of failing) {
  test(`[PS2, DS9] a mistake when ${name} ends the answer that it was made in`, async () => {
    const { outlet, errors, failed } = createOutlet(changes)
    const sink = createInflater(outlet, next?.(outlet), ['gzip'])
    sink.push(gzipSync(DOCUMENT))
    sink.end()
    assert.equal((await failed).message, 'a mistake')
    sink.destroy?.()
    await new Promise(done => setImmediate(done))
    assert.equal(errors.length, 1)
  })
}

test('[DS13] a document that comes in single bytes is held in its own length, and is the same', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 5 }), { maxLength: 20 })
  fc.assert(
    fc.property(pieces, chunks => {
      const whole = Buffer.concat(chunks)
      const finished: string[] = []
      const { outlet } = createOutlet({ finishWhole: text => void finished.push(text) })
      const sink = createCollector(outlet, whole.length, text => `<${text}>`)
      for (const chunk of chunks) assert.equal(sink.push(Buffer.from(chunk)), true)
      sink.end()
      assert.deepEqual(finished, [`<${whole.toString('latin1')}>`])
    }),
  )
})

test('[R15] an answer whose code ended before the sender did ends with the sender', async () => {
  for (const codings of [['gzip'], ['deflate'], ['gzip', 'deflate']] as const) {
    const written: string[] = []
    const decoded = Promise.withResolvers<void>()
    const finished = Promise.withResolvers<string>()
    const { outlet, errors } = createOutlet({
      write: data => written.push(data.toString()) > 0,
      // There is room for more, since nothing of it is decoded any longer.
      onDrain: () => decoded.resolve(),
      finish: text => finished.resolve(text),
    })
    const sink = createInflater(outlet, undefined, codings)
    const inner = codings[0] === 'gzip' ? gzipSync(DOCUMENT) : deflateSync(DOCUMENT)
    const coded = codings.length > 1 ? deflateSync(inner) : inner
    sink.push(Buffer.concat([coded, Buffer.alloc(8)]))
    await decoded.promise
    assert.equal(sink.push(Buffer.alloc(8)), true)
    sink.end()
    assert.equal(await finished.promise, '')
    assert.deepEqual([written.join(''), errors], [DOCUMENT, []])
  }
})

const tell = (error: Error) =>
  error instanceof BrokerError ? `${error.code}: ${error.detail}` : error

test('[R15] an answer without a byte is what it is, whatever its head says of a coding', () => {
  const finished: string[] = []
  const { outlet, errors } = createOutlet({ finish: text => void finished.push(text) })
  createInflater(outlet, undefined, ['gzip', 'br']).end()
  assert.deepEqual([finished, errors], [[''], []])
})

test('[R15] what grows beyond all likelihood ends the answer, and little of it is sent', async () => {
  const MEGABYTE = 1024 ** 2
  let written = 0
  const { outlet, errors, failed } = createOutlet({
    write(data) {
      written += data.length
      assert.ok(written <= 4 * MEGABYTE, 'all of it is sent')
      return true
    },
  })
  createInflater(outlet, undefined, ['gzip']).push(gzipSync(Buffer.alloc(8 * MEGABYTE)))
  await failed
  assert.deepEqual(errors.map(tell), ['upstream_encoding: inflates too far'])
})

test('[R15] what goes on for long behind its end ends the answer', async () => {
  const decoded = Promise.withResolvers<void>()
  const { outlet, errors } = createOutlet({ onDrain: () => decoded.resolve() })
  const sink = createInflater(outlet, undefined, ['gzip'])
  // Its end is seen with the first byte behind it.
  sink.push(Buffer.concat([gzipSync(DOCUMENT), Buffer.alloc(1)]))
  await decoded.promise
  for (let i = 0; i < 64; i++) sink.push(Buffer.alloc(1024))
  assert.deepEqual(errors, [])
  sink.push(Buffer.alloc(1))
  assert.deepEqual(errors.map(tell), ['upstream_encoding: goes on behind its end'])
})
