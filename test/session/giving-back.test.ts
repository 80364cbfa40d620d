// What waits to be given back to an EHR that is down: tried a few times, and bounded in bytes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRevocations } from '../../src/session/giving-back.ts'
import { buildTokens } from './sessions.ts'

const KIB = 1024

function build() {
  const givenUp: string[] = []
  const tried: string[] = []
  const down = new Set<string>()
  /** Waits that nobody has ended yet. */
  const pauses: (() => void)[] = []
  const revocations = createRevocations({
    async revoke(ehr) {
      tried.push(ehr)
      if (down.has(ehr)) throw new Error('down')
    },
    wait: () => new Promise<void>(resolve => pauses.push(resolve)),
    onGivenUp: ehr => givenUp.push(ehr),
  })
  async function endPauses(): Promise<void> {
    await new Promise(setImmediate)
    for (const resolve of pauses.splice(0)) resolve()
    await new Promise(setImmediate)
  }
  return { revocations, givenUp, tried, down, endPauses }
}

const tokensOf = (bytes: number) => buildTokens(0, { accessToken: 'x'.repeat(bytes) })

test('[DS13] tokens of one EHR that is down are bounded in bytes, and take no room of others', async () => {
  const { revocations, givenUp, tried, down, endPauses } = build()
  down.add('a').add('b')
  for (let i = 0; i < 1_000; i++) revocations.giveBack('a', tokensOf(60 * KIB))
  const waiting = 1_000 - givenUp.length
  assert.ok(waiting * 60 * KIB <= 8 * 1024 * KIB && waiting > 100, `${waiting} wait`)
  givenUp.length = 0
  for (let i = 0; i < 50; i++) revocations.giveBack('b', tokensOf(60 * KIB))
  assert.deepEqual(givenUp, [])
  // Both are there again: everything that waited is done, and there is room again.
  down.clear()
  tried.length = 0
  await endPauses()
  assert.equal(tried.length, waiting + 50)
  await revocations.settled()
  for (let i = 0; i < 100; i++) revocations.giveBack('a', tokensOf(60 * KIB))
  assert.deepEqual(givenUp, [])
})

test('an EHR that stays down is tried four times, and given up', async () => {
  const { revocations, givenUp, tried, down, endPauses } = build()
  down.add('a')
  revocations.giveBack('a', tokensOf(10))
  for (let i = 0; i < 5; i++) await endPauses()
  await revocations.settled()
  assert.deepEqual([tried.length, givenUp], [4, ['a']])
})
