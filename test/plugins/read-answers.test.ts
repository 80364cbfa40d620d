// Answers that are streamed, and clients that do not read them.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import fastify from 'fastify'
import readAnswers from '../../plugins/read-answers.ts'
import type { AnswerLimits } from '../../src/limits.ts'
import { connectRaw } from '../network/raw.ts'

const PIECE = 'x'.repeat(64 * 1024)
const PIECES = 400

async function start(t: TestContext, limits: Partial<AnswerLimits>): Promise<number> {
  const app = fastify({ forceCloseConnections: true })
  await app.register(readAnswers, limits)
  const source = () => Readable.from(Array.from({ length: PIECES }, () => PIECE))
  app.get('/large', async () => source())
  app.get('/fhir', { config: { fhir: true } }, async () => source())
  app.get('/short', async () => Readable.from(['x', 'y']))
  app.get('/small', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  return (app.server.address() as { port: number }).port
}

const get = (path: string, connection = 'close') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`
const pause = (milliseconds: number) => new Promise(done => setTimeout(done, milliseconds))
const isWhole = (text: string) => text.length > PIECES * PIECE.length

test('[R22, DS12] a file that nobody reads is ended, and one that is read is whole', async t => {
  const port = await start(t, { stallMs: 200 })
  const stuck = await connectRaw(port)
  stuck.socket.pause()
  stuck.send(get('/large'))
  const reader = await connectRaw(port)
  reader.send(get('/large'))
  assert.ok(isWhole(await reader.closed()))
  await pause(1_000)
  stuck.socket.resume()
  assert.ok(!isWhole(await stuck.closed()))
})

test('[R22, DS12] one that is read in drops is ended too', async t => {
  const port = await start(t, { totalMs: 300 })
  const client = await connectRaw(port)
  // One piece of the network at a time, however fast the machine is.
  const drop = () => client.socket.pause()
  client.socket.on('data', drop)
  const timer = setInterval(() => client.socket.resume(), 20)
  client.send(get('/large'))
  await pause(1_000)
  clearInterval(timer)
  client.socket.off('data', drop)
  client.socket.resume()
  assert.ok(!isWhole(await client.closed()))
})

test('after the answer the connection waits for the next request as ever; FHIR is left alone', async t => {
  const port = await start(t, { stallMs: 100, totalMs: 1_000_000 })
  const client = await connectRaw(port)
  client.send(get('/short', 'keep-alive'))
  await client.until(/\r\n0\r\n\r\n$/)
  await pause(300)
  client.send(get('/small'))
  assert.match(await client.closed(), /\r\n\r\nok$/)
  const fhir = await connectRaw(port)
  fhir.socket.pause()
  fhir.send(get('/fhir'))
  await pause(500)
  fhir.socket.resume()
  assert.ok(isWhole(await fhir.closed()))
})
