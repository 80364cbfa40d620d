// One request from its place to its answer: what is sent again after the EHR refused the token, and what is told of
// each call.

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { Dispatcher } from 'undici'
import { BrokerError } from '../../src/errors.ts'
import { createExchange, type TokenSource } from '../../src/exchange/exchange.ts'
import type { CallRecord, ProxiedRequest } from '../../src/exchange/proxied-request.ts'
import { createRunning } from '../../src/exchange/running.ts'
import { createShares } from '../../src/exchange/shares.ts'

const one = { user: 1, ehr: 1, all: 1 }
const patient = { headMs: 1e6, idleMs: 1e6, stallMs: 1e6, totalMs: 1e6 }

/** A client's response that is sent at once. */
function createResponse() {
  const response = Object.assign(new EventEmitter(), {
    ...{ destroyed: false, headersSent: false, writableFinished: false, statusCode: 0 },
    writeHead(status: number) {
      response.statusCode = status
      response.headersSent = true
    },
    end() {
      response.writableFinished = true
      response.emit('close')
    },
  })
  return response
}

/** Carries a request to an EHR that answers with these statuses, one call after the other. */
function begin(
  method: string,
  statuses: number[],
  headers: Record<string, string> = {},
  { tokens, record }: { tokens?: Partial<TokenSource>; record?: CallRecord } = {},
) {
  const sent: string[] = []
  const ends: unknown[] = []
  const response = createResponse()
  const controller = { abort() {} } as unknown as Dispatcher.DispatchController
  const dispatch = (
    options: { headers: string[] },
    handler: Required<Dispatcher.DispatchHandler>,
  ) => {
    sent.push(String(options.headers[1]))
    handler.onRequestStart(controller, undefined)
    const status = statuses.shift()
    if (status === undefined) return response.emit('close')
    handler.onResponseStart(controller, status, {})
    handler.onResponseEnd(controller, {})
    return true
  }
  const session = { id: 'a', ehr: 'general', tokens: {} }
  const upstream = {
    registration: { rewrite: false, upstreamCompression: 'identity' },
    ...{ base: { origin: 'https://ehr.example.org', path: '/fhir' }, pool: { dispatch } },
    ...{ url: 'https://ehr.example.org/fhir', limits: patient, chooseSink: () => undefined },
    judgeAnswer: (_asked: unknown, status: number) => ({ status, headers: [], codings: [] }),
  }
  const proxied = {
    ...{ method, target: { path: '/Patient/1', query: '' }, upstream, ownHeaders: [], response },
    request: { method, headers, complete: true },
    ...{ open: { session }, record },
  } as unknown as ProxiedRequest
  const exchange = createExchange({
    tokens: { accessToken: () => 'old', renew: async () => 'new', ...tokens },
    running: createRunning(() => 0),
    ownAddress: {} as never,
    sharesOf: createShares({ requests: one, events: one, bytes: one }),
    limits: { maxBodyBytes: 1e6, documentBytes: 1e6, formBytes: 1e6, replayBytes: 0 } as never,
    beginCall: () => end => void ends.push(end),
  })
  return { outcome: exchange(proxied), exchange, proxied, sent, ends }
}

const [OLD, NEW] = ['Bearer old', 'Bearer new']

test('[R7, OB3] a read goes once more with a new token, and each call is told of by its end', async () => {
  const { outcome, sent, ends } = begin('GET', [401, 200])
  assert.equal(await outcome, 'sent')
  assert.deepEqual(sent, [OLD, NEW])
  assert.deepEqual(ends, [{ status: 401 }, { status: 200 }])

  const refused = begin('GET', [401, 401])
  await assert.rejects(refused.outcome, {
    code: 'upstream_unauthorized',
    retryAfterSeconds: undefined,
  })
  assert.deepEqual(refused.sent, [OLD, NEW])
  assert.deepEqual(refused.ends, [{ status: 401 }, { status: 401 }])

  const left = begin('GET', [])
  assert.equal(await left.outcome, 'broken off')
  assert.deepEqual(left.ends, [{ error: 'broken_off' }])
})

test('[R8] a write that could be done twice, or whose body is gone, is left to the client', async () => {
  const json = { 'content-type': 'application/fhir+json', 'content-length': '2' }
  for (const [method, headers, count] of [
    ['DELETE', {}, 1],
    ['DELETE', { 'if-match': 'W/"1"' }, 2],
    ['PUT', json, 1],
    // It streams: nothing of it is held that could be sent again.
    ['PUT', { ...json, 'if-match': 'W/"1"' }, 1],
  ] as const) {
    const { outcome, sent } = begin(method, [401, 200], headers)
    if (count === 2) assert.equal(await outcome, 'sent')
    else await assert.rejects(outcome, { code: 'upstream_unauthorized', retryAfterSeconds: 1 })
    assert.equal(sent.length, count, `${method} ${JSON.stringify(headers)}`)
  }
})

test('[DS5] a place is given back, whatever became of the request', async () => {
  const { outcome, exchange, proxied } = begin('DELETE', [401, 200])
  await assert.rejects(exchange(proxied), { code: 'too_many_requests' })
  await assert.rejects(outcome, { code: 'upstream_unauthorized' })
  assert.equal(await exchange(proxied), 'sent')
})

test('[K5, K19] nothing is sent of a session that ended while its token or the audit was waited for', async () => {
  const intend = async () => {}
  const record = { intend, answered: () => undefined }
  for (const [isOver, how, tokens] of [
    [true, {}, { accessToken: async () => 'old' }],
    [true, { record }, {}],
    // What waits for nothing was opened in the same step, and is looked at no second time.
    [false, {}, {}],
  ] as const) {
    const look = async () => {
      throw new BrokerError('session_invalid')
    }
    const { outcome, sent } = begin('GET', [200], {}, { ...how, tokens: { ...tokens, look } })
    if (isOver) await assert.rejects(outcome, { code: 'session_invalid' })
    else assert.equal(await outcome, 'sent')
    assert.equal(sent.length, isOver ? 0 : 1)
  }
})
