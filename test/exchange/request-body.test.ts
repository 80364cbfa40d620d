// Bodies of requests: which are taken at all, how much of them, and whose text may be read.

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { type BodyPlan, prepareBody, readHeldText } from '../../src/exchange/request-body.ts'
import { streamBody } from '../../src/exchange/upload.ts'

test('[DS5] a body that no header has announced is counted as it comes', async () => {
  const pieces = [Buffer.alloc(6), Buffer.alloc(4), Buffer.alloc(1)]
  const read = async (count: number) => {
    const request = Readable.from(pieces.slice(0, count)) as IncomingMessage
    let bytes = 0
    for await (const piece of streamBody(request, { maxBytes: 10, idleMs: 60_000 })) {
      bytes += piece.length
    }
    return bytes
  }
  assert.equal(await read(2), 10)
  await assert.rejects(read(3), { code: 'body_too_large' })
})

test('a method that has no body is refused with one', async () => {
  const request = { method: 'GET', headers: { 'content-length': '2' } } as IncomingMessage
  const plan = {} as BodyPlan
  await assert.rejects(prepareBody(request, plan), { code: 'body_invalid' })
})

test('the text of a body is read where it was held whole, and is of that kind', () => {
  const json = { body: Buffer.from('{}'), headers: ['content-type', 'application/fhir+json'] }
  assert.equal(readHeldText({ ...json, isHeld: true }), '{}')
  assert.equal(readHeldText({ ...json, isHeld: false }), undefined)
  assert.equal(readHeldText({ ...json, isHeld: true }, 'form'), undefined)
  assert.equal(readHeldText({ ...json, body: null, isHeld: true }), undefined)
})
