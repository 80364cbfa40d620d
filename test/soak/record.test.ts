// What may fail in a long run, and what may not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Done, isExcused, isFine, type Made } from './record.ts'

const done = (act: Done['act'], status: number, start = 100, end = 200): Done => ({
  ...{ act, status, start, end, code: '' },
})
const made = (fault: Made['fault'], start = 150, end = 160): Made[] => [{ fault, start, end }]

test('[SK1] a fault excuses what it causes while it is felt, and nothing else', () => {
  assert.ok(isFine(done('write', 201)) && !isFine(done('read', 201)) && !isFine(done('read', 401)))
  assert.ok(isExcused(done('read', 0), made('kill')))
  assert.ok(!isExcused(done('read', 503), made('kill')))
  assert.ok(!isExcused(done('read', 0, 161), made('kill')))
  assert.ok(isExcused(done('logout', 503), made('Redis down')))
  assert.ok(!isExcused(done('logout', 401), made('Redis down')))
  assert.ok(isExcused(done('read', 502), made('EHR down')))
  assert.ok(!isExcused(done('read', 500), made('EHR down')))
  assert.ok(!isExcused(done('read', 503, 6_000, 6_001), made('EHR down')))
  assert.ok(!isExcused(done('read', 503, 100, 140), made('EHR down')))
  for (const fault of ['renewal', 'reload', 'faulty reload', 'restart', 'slow EHR'] as const)
    for (const status of [0, 401, 500, 503])
      assert.ok(!isExcused(done('read', status), made(fault)), fault)
})
