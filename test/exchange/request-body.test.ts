// Bodies of requests: which are taken at all, how much of them, and whose text may be read.

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { type BodyPlan, prepareBody, readHeldText } from '../../src/exchange/request-body.ts'
import { createTurns } from '../../src/exchange/turns.ts'
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

/** What becomes of a body of this type, announced or not, at this path; limits of 10 and 20 bytes. */
async function prepare(path: string, type: string, body: string, headers: object = {}) {
  const request = Object.assign(Readable.from([Buffer.from(body)]), {
    ...{ method: 'POST', headers: { 'content-type': type, ...headers }, complete: true },
  })
  const share = { held: 0, limit: 1_000 }
  const plan = {
    ...{ target: { path, query: '' }, url: 'https://ehr.example.org/fhir', mayReplay: false },
    whose: { own: {}, sessionId: 'a', byAlias: false, base: 'https://ehr.example.org/fhir' },
    limits: { maxBodyBytes: 20, documentBytes: 10, formBytes: 10, bodyIdleMs: 60_000 },
    shares: { ehr: 'general', bytes: share },
    turns: createTurns(),
  } as unknown as BodyPlan
  const prepared = await prepareBody(request as unknown as IncomingMessage, plan)
  return { ...prepared, request }
}

test('[P17, DS5] a length beyond what may be is refused before a byte of the body is read', async () => {
  for (const [path, type, most] of [
    ['/Binary', 'image/png', 20],
    ['/Patient', 'application/fhir+json', 10],
    ['/Patient/_search', 'application/x-www-form-urlencoded', 10],
  ] as const) {
    const announce = (length: number) =>
      prepare(path, type, '{}', { 'content-length': `${length}` })
    const { request } = await announce(most)
    request.destroy()
    await assert.rejects(announce(most + 1), { code: 'body_too_large' })
    // Not even where no more than that would come.
    await assert.rejects(announce(1e300), { code: 'body_too_large' })
  }
})

test('[P32] files stream as they are, and nothing but a document is a batch', async () => {
  for (const type of ['image/png', 'text/turtle', 'application/graphql']) {
    const { isHeld, body } = await prepare('/Binary', type, 'x')
    assert.equal(isHeld, false, type)
    for await (const piece of body as AsyncIterable<Buffer>) assert.equal(piece.toString(), 'x')
  }
  for (const path of ['', '/']) {
    for (const type of ['text/turtle', 'application/graphql']) {
      await assert.rejects(prepare(path, type, 'x'), { code: 'media_type_refused' })
    }
  }
  assert.equal((await prepare('/$graphql', 'application/graphql', 'x')).isHeld, false)
})
