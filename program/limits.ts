// From the settings under `limits` to what each part is held to: seconds become milliseconds, megabytes bytes.

import { totalmem } from 'node:os'
import type { GuessLimits } from '../src/guesses.ts'
import {
  type AnswerLimits,
  type ConnectionLimits,
  defaultAnswerLimits,
  defaultConnectionLimits,
  defaultGuessLimits,
  defaultLaunchPace,
  defaultLoginRate,
  defaultProxyLimits,
  type EventLimits,
  type MemoryLimits,
  type PressureLimits,
  type ProxyLimits,
} from '../src/limits.ts'
import type { PaceLimits } from '../src/pace.ts'
import type { LimitsDocument } from './config/limits-schema.ts'

export interface Limits {
  connections: ConnectionLimits
  pace: PaceLimits
  /** Of each route of the login. */
  loginRate: { max: number; timeWindow: number }
  perBrowser: number
  proxy: ProxyLimits
  sessionStreams: EventLimits
  answers: AnswerLimits
  kept: MemoryLimits
  pressure: PressureLimits
  guesses: GuessLimits
}

const MIB = 1024 * 1024
/** Of what the process may have, where nothing else is said. */
const RESIDENT_SHARE = 0.85

/**
 * What the settings come to for one of so many processes: of what may begin within a while, and of the machine's
 * memory, each gets a share.
 */
export function resolveLimits(limits: LimitsDocument, processes = 1): Limits {
  const share = (whole: number) => Math.ceil(whole / processes)
  const { connections, logins, bodies, answers, memory, keptMegabytes, heldMegabytes } = limits
  const { residentMegabytes, heapPercent } = memory
  const { user, ehr } = limits.requestsPerSecond
  return {
    connections: {
      ...defaultConnectionLimits,
      all: connections.all,
      perAddress: connections.perAddress,
      headersMs: connections.headSeconds * 1000,
      requestMs: connections.requestSeconds * 1000,
    },
    pace: {
      ...defaultLaunchPace,
      caller: share(logins.perAddress),
      ehr: share(logins.perEhr),
      all: share(logins.all),
    },
    loginRate: { ...defaultLoginRate, max: share(logins.requestsPerAddress) },
    perBrowser: logins.perBrowser,
    proxy: {
      ...defaultProxyLimits,
      inFlight: limits.inFlight,
      perSecond: { ...(user && { user: share(user) }), ...(ehr && { ehr: share(ehr) }) },
      breaker: {
        failures: limits.breaker.failures,
        pauseMs: limits.breaker.pauseSeconds * 1000,
      },
      events: limits.ehrStreams,
      heldBytes: {
        user: heldMegabytes.user * MIB,
        ehr: heldMegabytes.ehr * MIB,
        all: heldMegabytes.all * MIB,
      },
      headMs: answers.firstByteSeconds * 1000,
      idleMs: answers.idleSeconds * 1000,
      stallMs: answers.unreadSeconds * 1000,
      totalMs: answers.totalSeconds * 1000,
      maxBodyBytes: bodies.megabytes * MIB,
      documentBytes: bodies.documentMegabytes * MIB,
      formBytes: bodies.formMegabytes * MIB,
      bodyIdleMs: bodies.idleSeconds * 1000,
      bodyBytesPerSecond: bodies.bytesPerSecond,
      heldBodyMs: bodies.heldSeconds * 1000,
    },
    sessionStreams: limits.sessionStreams,
    answers: { ...defaultAnswerLimits, stallMs: answers.unreadSeconds * 1000 },
    kept: {
      openedBytes: keptMegabytes.sessions * MIB,
      ticketBytes: keptMegabytes.tickets * MIB,
    },
    pressure: {
      residentBytes:
        residentMegabytes === undefined
          ? (RESIDENT_SHARE * mayHave()) / processes
          : residentMegabytes * MIB,
      heapPercent,
    },
    guesses: { ...defaultGuessLimits, max: share(limits.guesses.perMinute) },
  }
}

/** The memory that the process may have: the container's limit, or the machine's. */
function mayHave(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
