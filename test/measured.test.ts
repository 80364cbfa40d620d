// What several processes have measured, added up.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from '@prometheus-io/client'
import { createInstruments, showGauge } from '../src/instruments.ts'
import { keepCounts, printMeasured, readMeasured, sumMeasured } from '../src/measured.ts'
import { measureProcess } from '../src/process-metrics.ts'
import { findSamples, readSamples } from './world/scrape.ts'

async function measure(logins: number, isUp: number, seconds: number) {
  const registry = new Registry()
  const made = createInstruments(registry)
  made.logins.inc({ ehr: 'a', outcome: 'completed' }, logins)
  const labels = { operation: 'head', outcome: 'done' }
  made.vault.observe(labels, seconds)
  showGauge(registry, 'fhirstorm_up', () => [['a', isUp]])
  showGauge(registry, 'fhirstorm_requests_in_flight', () => [['a', 3]])
  showGauge(registry, 'fhirstorm_sessions_live', () => [['a', 40]])
  // As it crosses from one process to another.
  return JSON.parse(JSON.stringify(await readMeasured(registry)))
}

const valuesOf = (text: string, name: string, labels = {}) =>
  findSamples(readSamples(text), name, labels).map(({ value }) => value)

test('[PR5] counts and histograms are summed, gauges by what they say, event loops by the slowest', async () => {
  const lists = [await measure(2, 1, 0.0001), await measure(5, 0, 3)]
  const text = await printMeasured(sumMeasured(lists))
  assert.deepEqual(valuesOf(text, 'fhirstorm_logins_total', { ehr: 'a' }), [7])
  const vault = 'fhirstorm_vault_operation_duration_seconds'
  assert.deepEqual(valuesOf(text, `${vault}_count`), [2])
  assert.deepEqual(valuesOf(text, `${vault}_sum`), [3.0001])
  assert.deepEqual(valuesOf(text, `${vault}_bucket`, { le: '0.0005' }), [1])
  assert.deepEqual(valuesOf(text, `${vault}_bucket`, { le: '+Inf' }), [2])
  assert.deepEqual(valuesOf(text, 'fhirstorm_up'), [0])
  assert.deepEqual(valuesOf(text, 'fhirstorm_requests_in_flight'), [6])
  assert.deepEqual(valuesOf(text, 'fhirstorm_sessions_live'), [40])

  const process = await measureProcess()
  const lag = 'nodejs_eventloop_lag_p99_seconds'
  const slow = process.map(one =>
    one.name === lag ? { ...one, values: [{ value: 9, labels: {} }] } : one,
  )
  const both = await printMeasured(sumMeasured([process, slow, process]))
  assert.deepEqual(valuesOf(both, lag), [9])
  const [start] = valuesOf(await printMeasured(process), 'process_start_time_seconds')
  assert.deepEqual(valuesOf(both, 'process_start_time_seconds'), [start])
  const memory = 'process_resident_memory_bytes'
  const [bytes = 0] = valuesOf(await printMeasured(process), memory)
  assert.deepEqual(valuesOf(both, memory), [3 * bytes])
})

test('[PR5] what is gone leaves its counts, and no state of a moment', async () => {
  const kept = keepCounts(await measure(2, 0, 1))
  const text = await printMeasured(sumMeasured([kept, await measure(1, 1, 1)]))
  assert.deepEqual(valuesOf(text, 'fhirstorm_logins_total', { ehr: 'a' }), [3])
  assert.deepEqual(valuesOf(text, 'fhirstorm_up'), [1])
  assert.deepEqual(valuesOf(text, 'fhirstorm_requests_in_flight'), [3])
})

test('[PR5] a number that is shown by two is read from the first, and breaks nothing', async () => {
  const registry = new Registry()
  for (const value of [1, 2]) showGauge(registry, 'fhirstorm_event_streams', () => value)
  const text = await printMeasured(sumMeasured([await readMeasured(registry)]))
  assert.deepEqual(valuesOf(text, 'fhirstorm_event_streams'), [1])
})
