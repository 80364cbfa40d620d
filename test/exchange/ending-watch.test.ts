// Streams of sessions that end elsewhere: one look at a time, and only an end cuts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { BrokerError } from '../../src/errors.ts'
import { createEndingWatch } from '../../src/exchange/ending-watch.ts'
import { createRunning } from '../../src/exchange/running.ts'
import type { OpenSession } from '../../src/session/session.ts'

function watch(look: (open: unknown) => Promise<unknown>) {
  const running = createRunning(() => 0)
  const cut: string[] = []
  for (const id of ['a', 'b']) {
    running.add({
      open: { session: { id } } as OpenSession,
      ...{ isLive: true, place: -1, check: () => {} },
      abort: ({ code }) => void cut.push(`${id} ${code}`),
    })
  }
  return { cut, cutEnded: createEndingWatch(running, { look }) }
}

const idOf = (open: unknown) => (open as OpenSession).session.id

test('[K5] the streams of a session that has ended are cut, and no others', async () => {
  const { cut, cutEnded } = watch(async open => {
    if (idOf(open) === 'b') throw new BrokerError('session_invalid')
  })
  await cutEnded()
  assert.deepEqual(cut, ['b session_invalid'])
})

test('[K5] a vault that is away ends nothing, and a mistake is told', async () => {
  const away = watch(() => Promise.reject(new BrokerError('vault_unavailable')))
  await away.cutEnded()
  const odd = watch(() => Promise.reject(new TypeError('a mistake')))
  await assert.rejects(odd.cutEnded(), TypeError)
  assert.deepEqual([...away.cut, ...odd.cut], [])
})

test('[DS5, K5] a look that takes its time is not taken twice, and holds up no other', async () => {
  const gate = Promise.withResolvers<void>()
  let looks = 0
  const { cut, cutEnded } = watch(async open => {
    looks++
    if (idOf(open) === 'b') throw new BrokerError('session_invalid')
    await gate.promise
  })
  const first = cutEnded()
  await cutEnded()
  assert.equal(looks, 2)
  await nextTurn()
  assert.deepEqual(cut, ['b session_invalid'])
  gate.resolve()
  await first
  assert.equal(looks, 2)
})
