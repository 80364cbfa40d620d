// Sessions end elsewhere too, by a logout in another process, at the EHR, by their own limits: what is still
// streaming to such a session is cut. The store is asked through what is passed in.

import { runInBatches } from '../batches.ts'
import { BrokerError } from '../errors.ts'
import type { SessionAccess } from './access.ts'
import type { ProxiedSession } from './proxied-session.ts'
import type { Running } from './running.ts'

/** Sessions; the store is asked for all of them at once, so that none waits for the answer to another's. */
const LOOKED_AT_ONCE = 200

/** Makes the look that is to be taken a few times a second; one at a time. */
export function createEndingWatch(
  running: Running,
  access: Pick<SessionAccess<never>, 'look'>,
): () => Promise<void> {
  let isLooking = false

  return async function cutEnded() {
    if (isLooking) return
    isLooking = true
    try {
      await runInBatches(running.sessions(), LOOKED_AT_ONCE, async ({ open, inUse }) => {
        const ending = await findEnding(open, inUse)
        if (ending) running.abort(open.session.id, ending)
      })
    } finally {
      isLooking = false
    }
  }

  async function findEnding(open: ProxiedSession, slide: boolean) {
    try {
      await access.look?.(open, slide)
      return undefined
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      // A vault that is away says nothing about the session.
      return error.code === 'session_invalid' ? error : undefined
    }
  }
}
