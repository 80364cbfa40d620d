// Leaving a session that another request or process is ending at the same time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { leave } from '../../src/session/leaving.ts'
import type { OpenSession } from '../../src/session/session.ts'

const ticket = { id: 'id', ehr: 'general', secret: 'secret', recordId: 'record' }

test('[K5, K19] who leaves a session that another ends is answered when nobody serves it', async () => {
  for (const isAway of [false, true]) {
    const everywhere = Promise.withResolvers<boolean>()
    let isAnswered = false
    const leaving = leave(
      ticket,
      {
        recall: () => undefined,
        end: async () => assert.fail('it is not there'),
        isGone: () => everywhere.promise,
      },
      () => {
        throw new BrokerError('session_invalid')
      },
    ).finally(() => {
      isAnswered = true
    })
    const refused = assert.rejects(leaving, { code: 'session_invalid' })
    await new Promise(done => setImmediate(done))
    assert.equal(isAnswered, false)
    if (isAway) everywhere.reject(new BrokerError('vault_unavailable'))
    else everywhere.resolve(true)
    await refused
  }
})

test('[K5] where the vault is away the browser is out all the same, and no other fault passes for that', async () => {
  const known = { recordId: 'record' } as OpenSession
  const leaveWith = (error: Error) =>
    leave(
      ticket,
      {
        recall: () => known,
        end: () => Promise.reject(error),
        isGone: async () => true,
      },
      () => Promise.reject(error),
    )
  const left = await leaveWith(new BrokerError('vault_unavailable'))
  assert.deepEqual(left, { open: known, isEnded: false })
  for (const error of [new BrokerError('session_invalid'), new TypeError('odd')]) {
    await assert.rejects(leaveWith(error), error)
  }
})
