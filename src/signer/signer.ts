// Asks what signs for us, wherever that is: so many at a time, so many waiting, and each with one deadline for waiting
// and signing together, so that a signer that stands still holds up nothing but its own EHR's token calls.

import { BrokerError } from '../errors.ts'
import { type AskSigner, SIGNED_MS } from '../smart/token/remote-keys.ts'

/** One signature, made now. Rejects with SignerFault, at the latest when the signal says so. */
export type MakeSignature = (
  input: Uint8Array,
  key: { kid: string; alg: string },
  signal: AbortSignal,
) => Promise<Uint8Array>

/** Why there is no signature, in fixed words that a log may hold. */
export class SignerFault extends Error {}

export interface SignerLimits {
  /** Signatures that are made at one time. */
  atOnce?: number
  /** Requests that wait for their turn; more are refused at once. */
  waiting?: number
  /** For one signature, from the moment that it is asked for. */
  deadlineMs?: number
}

/** What a signer may answer with: the base64 of the largest signature, and much room. */
export const MAX_ANSWER_BYTES = 8 * 1024

/** A signer within its limits; it rejects with `signer_unavailable`, whose detail says why. */
export function createSigner(make: MakeSignature, limits: SignerLimits = {}): AskSigner {
  const { atOnce = 4, waiting = 64, deadlineMs = SIGNED_MS } = limits
  const queue = new Set<() => void>()
  let underWay = 0

  return async (input, key) => {
    const signal = AbortSignal.timeout(deadlineMs)
    try {
      await takeTurn(signal)
    } catch (error) {
      throw refusal(error, signal)
    }
    try {
      return await make(input, key, signal)
    } catch (error) {
      throw refusal(error, signal)
    } finally {
      passTurn()
    }
  }

  async function takeTurn(signal: AbortSignal): Promise<void> {
    if (underWay < atOnce) {
      underWay++
      return
    }
    if (queue.size >= waiting) throw new SignerFault('too many signatures wait')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = () => {
      queue.delete(resolve)
      reject(signal.reason)
    }
    queue.add(resolve)
    signal.addEventListener('abort', giveUp)
    await promise
    signal.removeEventListener('abort', giveUp)
  }

  /** Who has waited longest gets the place. */
  function passTurn(): void {
    const [next] = queue
    if (next === undefined) underWay--
    else {
      queue.delete(next)
      next()
    }
  }
}

function refusal(error: unknown, signal: AbortSignal): BrokerError {
  const why = error instanceof SignerFault ? error.message : 'the signer failed'
  const detail = signal.aborted ? 'the signer did not answer in time' : why
  return new BrokerError('signer_unavailable', { detail, cause: error })
}
