// Answers that do not say what they are, in pieces of any size, coded or not: told by their first bytes,
// and then like any other answer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createInflater } from '../../src/exchange/inflater.ts'
import type { Outlet, Sink } from '../../src/exchange/sinks.ts'
import { createTeller } from '../../src/exchange/untold.ts'
import type { Answer } from '../../src/proxy/answer.ts'

const untold = {
  status: 200,
  told: (kind: string) => ({ status: 200, document: kind }),
} as unknown as Answer

/** Sends pieces; what was begun, written and resumed. */
async function send(pieces: readonly Buffer[], how: { isCoded?: boolean; hasRoom?: boolean } = {}) {
  const { isCoded = false, hasRoom = true } = how
  const begun: (string | undefined)[] = []
  const written: string[] = []
  const ended = Promise.withResolvers<void>()
  let drains = 0
  const outlet: Outlet = {
    begin: ({ document }) => void begun.push(document),
    write(data) {
      assert.equal(begun.length, 1, 'the head comes first')
      written.push(String(data))
      return hasRoom
    },
    finish: () => ended.resolve(),
    finishWhole: () => assert.fail('nothing was collected'),
    onDrain: () => void drains++,
    onError: ended.reject,
  }
  const rewriter: Sink = {
    push: chunk => outlet.write(`<${chunk}>`),
    end: () => outlet.finish(''),
  }
  const teller = createTeller(outlet, untold, told => (told.document ? rewriter : undefined))
  const sink = isCoded ? createInflater(outlet, teller, ['gzip']) : teller
  const wholes = pieces.map(piece => sink.push(piece))
  sink.resume?.()
  sink.end()
  await ended.promise
  return { begun, written, wholes, drains }
}

const cut = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )

test('[Q53] a document is told and read, whatever its pieces and its coding', async () => {
  const text = ' \n{"resourceType":"Bundle"}'
  for (const size of [1, 3, 1000]) {
    for (const isCoded of [false, true]) {
      const bytes = isCoded ? gzipSync(text) : Buffer.from(text)
      const { begun, written } = await send(cut(bytes, size), { isCoded })
      assert.deepEqual(begun, ['json'])
      assert.equal(written.join('').replace(/[<>]/g, ''), text)
      assert.ok(written[0]?.startsWith('<'))
    }
  }
})

test('[Q53] everything else passes as it comes, also what ends before it could be told', async () => {
  for (const text of ['%PDF-1.7', '<html>', ' ', '']) {
    const { begun, written } = await send(cut(Buffer.from(text), 2))
    assert.deepEqual(begun, [undefined], text)
    assert.equal(written.join(''), text)
  }
})

test('[Q53] a client that does not keep up pauses the EHR, and is heard when it reads again', async () => {
  const { wholes, drains } = await send([Buffer.from('%PDF'), Buffer.from('-1.7')], {
    hasRoom: false,
  })
  assert.deepEqual(wholes, [false, false])
  assert.equal(drains, 1)
})
