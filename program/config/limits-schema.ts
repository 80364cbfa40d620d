// The shape of `limits`: what one caller, one user, one EHR and all of them together may take. The defaults are those of
// src/limits.ts; what each limit is stands beside it and becomes the table in docs/configuration.md. Pure: no I/O.

import { z } from 'zod'
import {
  defaultAnswerLimits,
  defaultBreakerLimits,
  defaultConnectionLimits,
  defaultEventLimits,
  defaultGuessLimits,
  defaultLaunchPace,
  defaultLoginRate,
  defaultMemoryLimits,
  defaultPressureLimits,
  defaultProxyLimits,
  MAX_LAUNCHES,
} from '../../src/limits.ts'
import { count, mebibytes, seconds } from './limit-kinds.ts'

const { inFlight, events, heldBytes } = defaultProxyLimits

export const limitsSchema = z.strictObject({
  connections: z
    .strictObject({
      all: count(
        defaultConnectionLimits.all,
        1_000_000,
        'open connections; beyond them idle ones are closed and new ones dropped',
      ),
      perAddress: count(
        defaultConnectionLimits.perAddress,
        1_000_000,
        'of one address that is no trusted proxy; an IPv6 /64 is one',
      ),
      headSeconds: seconds(
        defaultConnectionLimits.headersMs,
        300,
        'from the first byte of a request to the end of its headers; 408 `request_timeout`',
      ),
      requestSeconds: seconds(
        defaultConnectionLimits.requestMs,
        300,
        'from there to its last byte, but for FHIR; 408 `request_timeout`',
      ),
    })
    .prefault({}),
  logins: z
    .strictObject({
      perAddress: count(
        defaultLaunchPace.caller,
        1_000_000,
        'logins that one address may begin at one EHR in a minute; 503 `too_many_logins`',
      ),
      perEhr: count(defaultLaunchPace.ehr, 1_000_000, 'the same of all addresses'),
      all: count(defaultLaunchPace.all, 1_000_000, 'the same at all EHRs'),
      requestsPerAddress: count(
        defaultLoginRate.max,
        1_000_000,
        'requests of one address to each route of the login in a minute; 429 `too_many_requests`',
      ),
      perBrowser: count(
        MAX_LAUNCHES,
        8,
        'logins that one browser may have in progress; the oldest make room',
      ),
    })
    .prefault({}),
  inFlight: z
    .strictObject({
      user: count(
        inFlight.user,
        100_000,
        'FHIR requests under way of one user, or of a session where the EHR names none; 429 `too_many_requests`',
      ),
      ehr: count(inFlight.ehr, 100_000, 'to one EHR; 503 `too_many_in_flight`'),
      all: count(inFlight.all, 100_000, 'to all EHRs; 503 `too_many_in_flight`'),
    })
    .prefault({}),
  requestsPerSecond: z
    .strictObject({
      user: z
        .int()
        .min(1)
        .max(100_000)
        .optional()
        .describe(
          'FHIR requests of one user at one EHR that begin within a second; 429 `too_many_requests`',
        ),
      ehr: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe('of all users at one EHR; 503 `too_many_in_flight`'),
    })
    .prefault({}),
  ehrStreams: z
    .strictObject({
      user: count(
        events.user,
        100_000,
        'event streams of EHRs that one user may have; 429 `too_many_requests`',
      ),
      ehr: count(events.ehr, 100_000, 'from one EHR; 503 `too_many_in_flight`'),
      all: count(events.all, 100_000, 'from all EHRs; 503 `too_many_in_flight`'),
    })
    .prefault({}),
  sessionStreams: z
    .strictObject({
      perSession: count(
        defaultEventLimits.perSession,
        1_000,
        'streams of what happens to a session; 429 `too_many_requests`',
      ),
      all: count(
        defaultEventLimits.all,
        1_000_000,
        'in all, those without a session make room; 503 `too_many_in_flight`',
      ),
    })
    .prefault({}),
  heldMegabytes: z
    .strictObject({
      user: mebibytes(
        heldBytes.user,
        65_536,
        'memory for bodies and small answers of one user; 429 `too_many_requests`',
      ),
      ehr: mebibytes(heldBytes.ehr, 65_536, 'of one EHR; 503 `too_many_in_flight`'),
      all: mebibytes(heldBytes.all, 65_536, 'of all; 503 `too_many_in_flight`'),
    })
    .prefault({}),
  keptMegabytes: z
    .strictObject({
      sessions: mebibytes(
        defaultMemoryLimits.openedBytes,
        65_536,
        'memory for opened sessions; those unused for longest are read again',
      ),
      tickets: mebibytes(
        defaultMemoryLimits.ticketBytes,
        65_536,
        'memory for opened tickets; the same',
      ),
    })
    .prefault({}),
  bodies: z
    .strictObject({
      megabytes: mebibytes(
        defaultProxyLimits.maxBodyBytes,
        65_536,
        'the largest body that streams; 413 `body_too_large`',
      ),
      documentMegabytes: mebibytes(
        defaultProxyLimits.documentBytes,
        1_024,
        'the largest FHIR document that is read whole; 413 `body_too_large`',
      ),
      formMegabytes: mebibytes(
        defaultProxyLimits.formBytes,
        64,
        'the largest search form; 413 `body_too_large`',
      ),
      idleSeconds: seconds(
        defaultProxyLimits.bodyIdleMs,
        600,
        'the longest pause within a body; 408 `request_timeout`',
      ),
      bytesPerSecond: count(
        defaultProxyLimits.bodyBytesPerSecond,
        1_000_000_000,
        'its slowest pace after that; 408 `request_timeout`',
      ),
      heldSeconds: seconds(
        defaultProxyLimits.heldBodyMs,
        3_600,
        'the longest wait for a body that is read whole; 408 `request_timeout`',
      ),
    })
    .prefault({}),
  answers: z
    .strictObject({
      firstByteSeconds: seconds(
        defaultProxyLimits.headMs,
        600,
        'wait for the answer of a FHIR server to begin, where its EHR has no `firstByteSeconds`; 504 `upstream_timeout`',
      ),
      idleSeconds: seconds(
        defaultProxyLimits.idleMs,
        3_600,
        'silence within an answer; it is broken off',
      ),
      unreadSeconds: seconds(
        defaultAnswerLimits.stallMs,
        3_600,
        'wait for a client that does not read; it is broken off',
      ),
      totalSeconds: seconds(
        defaultProxyLimits.totalMs,
        86_400,
        'life of one FHIR request, but for event streams; it is broken off',
      ),
    })
    .prefault({}),
  breaker: z
    .strictObject({
      failures: count(
        defaultBreakerLimits.failures,
        100_000,
        'FHIR requests to an EHR that fail in a row, without an answer between, until no more are sent; 502 `upstream_unreachable`',
      ),
      pauseSeconds: seconds(
        defaultBreakerLimits.pauseMs,
        600,
        'so long, until one is tried; users in turn',
      ),
    })
    .prefault({}),
  memory: z
    .strictObject({
      residentMegabytes: z
        .int()
        .min(64)
        .max(1_048_576)
        .optional()
        .describe(
          'resident memory of a process beyond which new requests are refused, but for health and logouts; 503 `overloaded`. 85 % of what the process may have unless told',
        ),
      heapPercent: z
        .number()
        .min(10)
        .max(99)
        .default(defaultPressureLimits.heapPercent)
        .describe('the same for its heap, of the limit that Node sets'),
    })
    .prefault({}),
  guesses: z
    .strictObject({
      perMinute: count(
        defaultGuessLimits.max,
        1_000,
        'wrong tokens of one address at the admin and the internal listener; 429 `too_many_requests`',
      ),
    })
    .prefault({}),
})

export type LimitsDocument = z.output<typeof limitsSchema>
