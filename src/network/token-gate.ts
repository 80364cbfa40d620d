// Who may pass by a token that all callers share: operators, and the app's own servers. Whoever has guessed
// too often is not heard, right or wrong: else the right guess would show itself (attacks AD6).

import { BrokerError } from '../errors.ts'
import { createGuesses, type GuessLimits } from '../guesses.ts'
import { isSecret } from '../strength.ts'
import { groupAddress } from './address.ts'

export interface TokenGateOptions {
  /** Name of the header that shows the token, as the log is told it. */
  header: string
  /** What stands before the token in the header. */
  prefix?: string
  limits: GuessLimits
  now: () => number
}

/** Lets a caller pass by its headers, or refuses with `session_invalid` or `too_many_requests`. */
export type TokenGate = (caller: {
  headers: Readonly<Record<string, string | string[] | undefined>>
  ip: string
}) => void

/** A gate for one token, which may not be empty; who shows nothing has guessed nothing. */
export function createTokenGate(token: string, options: TokenGateOptions): TokenGate {
  const { header, prefix = '', limits, now } = options
  if (token === '') throw new Error(`${header}: the token is empty`)
  const guesses = createGuesses(limits, now)
  const refusal = (what: string) =>
    new BrokerError('session_invalid', { detail: `${header}: ${what}` })

  return ({ headers, ip }) => {
    const shown = headers[header.toLowerCase()]
    if (shown === undefined) throw refusal('missing')
    const caller = groupAddress(ip)
    const rest = guesses.restOf(caller)
    if (rest > 0) {
      throw new BrokerError('too_many_requests', { retryAfterSeconds: Math.ceil(rest / 1000) })
    }
    if (isSecret(shown, `${prefix}${token}`)) return
    guesses.note(caller)
    throw refusal('wrong')
  }
}
