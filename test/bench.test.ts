// The measuring itself: a load that counts right and refuses to count refusals, and ratios that are
// taken within a round.

import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { runLoad } from '../bench/load.ts'
import { medianOf, type Sample } from '../bench/measure.ts'
import { computeRatios, printReport, type Results } from '../bench/report.ts'

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/path?query`
}

test('the load counts each answer once, whatever its framing', async t => {
  let asked = 0
  const url = await serve(t, (request, response) => {
    assert.equal(request.url, '/path?query')
    assert.equal(request.headers.cookie, 'a=b')
    asked++
    if (asked % 3 === 0) response.setHeader('connection', 'close')
    if (asked % 2 === 0) response.write('in ')
    setImmediate(() => response.end('pieces'))
  })
  const load = { url, headers: { cookie: 'a=b' }, connections: 3, seconds: 0.2 }
  const { answers, p50, p99 } = await runLoad(load)
  assert.equal(answers, asked)
  assert.ok(answers > 3)
  assert.ok(p50 > 0 && p50 <= p99)
})

test('the load ends with an error when an answer is no 200', async t => {
  let asked = 0
  const url = await serve(t, (_request, response) => {
    response.statusCode = ++asked > 5 ? 401 : 200
    response.end('answer')
  })
  await assert.rejects(runLoad({ url, headers: {}, connections: 1, seconds: 5 }), /401/)
})

const sample = (cpuMicros: number): Sample => ({
  ...{ cpuMicros, perSecond: 1, p50: 1, p99: 1, rssMiB: 1 },
})

test('ratios are taken round by round, and judged by what is promised', () => {
  const results: Results = {
    ...{ date: '2026-01-01', machine: 'one', node: 'Node', rounds: 3 },
    missing: { 'mod_auth_openidc, shm': 'apache2 (Debian)' },
    single: {},
    work: {
      '2 KB': {
        // The machine is half as fast in the second round, for both.
        'fhirstorm, SQLite': [sample(40), sample(90), sample(42)],
        'nginx (limit)': [sample(10), sample(20), sample(10)],
        '@fastify/http-proxy': [sample(50), sample(100), sample(50)],
      },
    },
  }
  const ratios = computeRatios(results)
  assert.deepEqual(
    ratios.map(({ against, ratio }) => [against, ratio]),
    [
      ['nginx (limit)', 4.2],
      ['@fastify/http-proxy', 0.84],
    ],
  )
  const report = printReport(results)
  assert.match(report, /\| 4\.20 \| 5\.5 \| 4\.5 \| aim \|/)
  assert.match(report, /\| 0\.84 \| 0\.85 \| 0\.7 \| must \|/)
  assert.match(report, /Not installed: mod_auth_openidc, shm \(apache2 \(Debian\)\)/)
})

test('the median is the figure in the middle', () => {
  assert.equal(medianOf([3, 1, 2]), 2)
  assert.ok(Number.isNaN(medianOf([])))
})
