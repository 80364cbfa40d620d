// The audit plugin alone in a bare Fastify, with a sink that takes nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import audit from '../../plugins/audit.ts'
import metrics from '../../plugins/metrics.ts'
import { createServer } from '../../program/server.ts'
import { BrokerError } from '../../src/errors.ts'
import { buildRegistration } from './alone.ts'

test('[G8] every lost event is counted, and a log that is told once is not told of each', async t => {
  const lines: string[] = []
  const logger = pino({}, { write: (line: string) => void lines.push(line) })
  const app = createServer({ logger, trustedProxies: [] })
  t.after(() => app.close())
  await app.register(metrics)
  await app.register(audit, {
    sink: { record: async () => Promise.reject(new Error('amy-shaw-canary')) },
    registrations: [buildRegistration()],
    publicUrl: 'https://app.example.org',
    failClosed: true,
  })
  for (let i = 0; i < 3; i++) {
    const told = app.smartMetrics.tell({ act: 'logout', ehr: 'general' })
    await assert.rejects(Promise.resolve(told), new BrokerError('audit_unavailable'))
  }
  const of = (message: string) => lines.filter(line => line.includes(message))
  assert.equal(of('audit events were not recorded').length, 1)
  assert.equal(JSON.parse(of('audit events were not recorded')[0] ?? '').events, 1)
  assert.ok(!lines.join('').includes('canary'))
  assert.match(await app.smartMetrics.text(), /^fhirstorm_audit_events_total\{outcome="lost"\} 3$/m)
})
