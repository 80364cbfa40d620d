// When an exchange has taken too long, and on whose side. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { ForwardLimits } from '../limits.ts'

/** Of one exchange, in milliseconds of the clock that `now` is of. */
export interface Times {
  startedAt: number
  /** When the EHR was last heard. */
  seenAt: number
  /** Since when the client has not read what was written. */
  waitingSince: number | undefined
  /** The head of the answer, once it is here. */
  answer: object | undefined
  /** Events, whose silence means nothing. */
  isLive: boolean
}

/** `request_timeout` where the client does not read, `upstream_timeout` where the EHR is too slow. */
export function findOverdue(times: Times, limits: ForwardLimits, now: number) {
  const { startedAt, seenAt, waitingSince, answer, isLive } = times
  if (waitingSince !== undefined) {
    return now - waitingSince > limits.stallMs ? new BrokerError('request_timeout') : undefined
  }
  const isSilent = !isLive && now - seenAt > (answer ? limits.idleMs : limits.headMs)
  const isOver = isSilent || now - startedAt > limits.totalMs
  return isOver ? new BrokerError('upstream_timeout') : undefined
}
