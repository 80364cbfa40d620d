import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPace } from '../src/pace.ts'

const limits = { caller: 3, ehr: 6, all: 12, windowMs: 1_000 }

test('[L22, DS2] one caller has a share, the others go on, and time gives it back', () => {
  let now = 0
  const pace = createPace(limits, () => now)
  for (let i = 0; i < 3; i++) assert.equal(pace('general', 'a'), 0)
  now = 400
  assert.equal(pace('general', 'a'), 600)
  assert.equal(pace('general', 'b'), 0)
  assert.equal(pace('other', 'a'), 0)
  now = 1_000
  assert.equal(pace('general', 'a'), 0)
})

test('[L22] never more than the limits begin, and a flood at one EHR leaves the others theirs', () => {
  const caller = fc.record({ ehr: fc.nat(1), caller: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(caller, { maxLength: 300 }), callers => {
      const pace = createPace(limits, () => 0)
      const begun = callers.filter(({ ehr, caller }) => pace(`${ehr}`, `${caller}`) === 0)
      assert.ok(begun.length <= 12)
      for (const ehr of [0, 1]) {
        const own = begun.filter(each => each.ehr === ehr)
        assert.ok(own.length <= 6)
        for (let i = 0; i < 30; i++) {
          assert.ok(own.filter(({ caller }) => caller === i).length <= 3)
        }
      }
      assert.equal(pace('quiet', 'a'), 0)
    }),
  )
})
