// An egress to a server of the test, and what it may say when it refuses.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createEgress, type EgressLimits, type EgressPeer } from '../../src/network/egress.ts'
import type { ProtocolFetch } from '../../src/smart/types.ts'

/** The registration of an EHR that is served at this origin. */
export function peerOf(origin: string, more: Partial<EgressPeer> = {}): EgressPeer {
  const network = { reach: 'public' } as const
  return { id: 'general', iss: `${origin}/fhir`, origins: [origin], network, ...more }
}

/** Its egress, closed after the test. */
export function egress(t: TestContext, peer: EgressPeer, limits?: EgressLimits): ProtocolFetch {
  const { fetch, close } = createEgress(peer, limits)
  t.after(close)
  return fetch
}

/** Asserts on the refusal and gives it back; nothing of the outer world may be in its texts. */
export async function refused(call: Promise<unknown>, code: string): Promise<BrokerError> {
  const error = await call.then(
    () => assert.fail(`expected ${code}`),
    (error: unknown) => error,
  )
  assert.ok(error instanceof BrokerError, String(error))
  assert.equal(error.code, code, error.detail)
  assert.equal(error.ehr, 'general')
  assert.doesNotMatch(`${error.message} ${error.detail}`, /127\.0\.0\.1|evil|hunter2/)
  return error
}
