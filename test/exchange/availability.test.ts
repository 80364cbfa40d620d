// Which EHRs answer, by what became of their requests.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAvailability } from '../../src/exchange/availability.ts'

test('[EV2] two failures in a row take an EHR down, one answer brings it back, and others are left alone', () => {
  const { note, isDown, watch } = createAvailability()
  const heard: string[] = []
  const forget = watch((ehr, down) => heard.push(`${ehr} ${down ? 'down' : 'up'}`))
  for (const hasAnswered of [false, true, false, false, false, true, true, false]) {
    note('one', hasAnswered)
    note('two', true)
  }
  assert.deepEqual(heard, ['one down', 'one up'])
  note('one', false)
  assert.ok(isDown('one'))
  assert.ok(!isDown('two'))
  forget()
  note('one', true)
  assert.equal(heard.length, 3)
})
