import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EhrState } from '../../../plugins/discovery.ts'
import { mergeEhrStates } from '../../../program/crew/ehr-states.ts'

test('[PR5] of what processes know of an EHR the latest counts, and one that sees it down', () => {
  const failure = { at: 30, code: 'upstream_timeout' as const }
  const one: EhrState[] = [
    {
      ehr: 'a',
      state: 'fresh',
      discoveredAt: 10,
      traffic: { isDown: false, isResting: true, lastSuccessAt: 50 },
    },
    { ehr: 'b', state: 'unknown' },
  ]
  const other: EhrState[] = [
    {
      ...{ ehr: 'a', state: 'failing', discoveredAt: 5 },
      failure: { code: 'issuer_timeout', at: 20 },
      traffic: { isDown: true, isResting: false, lastSuccessAt: 40, lastFailure: failure },
    },
    { ehr: 'b', state: 'fresh', discoveredAt: 1 },
  ]
  assert.deepEqual(mergeEhrStates([one, other]), [
    {
      ...{ ehr: 'a', state: 'failing', discoveredAt: 5 },
      failure: { code: 'issuer_timeout', at: 20 },
      traffic: { isDown: true, isResting: true, lastSuccessAt: 50, lastFailure: failure },
    },
    { ehr: 'b', state: 'fresh', discoveredAt: 1 },
  ])
  assert.deepEqual(mergeEhrStates([]), [])
})
