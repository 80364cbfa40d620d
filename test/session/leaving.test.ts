// Leaving a session that another request or process is ending at the same time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { leave } from '../../src/session/leaving.ts'

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
