// The log: one JSON line per event, made of words and numbers that we chose. Requests are logged by
// route pattern, errors by code; URLs, headers, bodies and library messages never get here
// (attacks G1 to G4).

import type { LoggerOptions } from 'pino'
import { BrokerError } from '../src/errors.ts'

const SAFE_NAME = /^[A-Za-z0-9_.-]{1,64}$/

/** Options for pino in which an error is written as names and codes alone. */
export function buildLoggerOptions(level: string): LoggerOptions {
  return {
    level,
    base: undefined,
    timestamp: createTimestamps(),
    formatters: { level: label => ({ level: label }) },
    serializers: {
      err: describeError,
      error: describeError,
      req: () => undefined,
      res: () => undefined,
    },
  }
}

// Most lines come in the same second as the one before, and printing a date is dear.
function createTimestamps(): () => string {
  let second = -1
  let printed = ''
  return () => {
    const now = Date.now()
    if (Math.floor(now / 1000) !== second) {
      second = Math.floor(now / 1000)
      printed = `,"time":"${new Date(second * 1000).toISOString().slice(0, 20)}`
    }
    return `${printed}${String(now % 1000).padStart(3, '0')}Z"`
  }
}

export interface ErrorDescription {
  name: string
  code?: string
  detail?: string
  ehr?: string
  cause?: ErrorDescription
}

/**
 * What may be written about an error: its class name, its code, and for our own errors the fixed
 * detail. Messages and other members of foreign errors may hold claims, URLs or credentials.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (error instanceof BrokerError) {
    return {
      name: error.name,
      code: error.code,
      detail: error.detail,
      ehr: error.ehr,
      cause:
        error.cause === undefined || depth > 3 ? undefined : describeError(error.cause, depth + 1),
    }
  }
  if (typeof error !== 'object' || error === null) return { name: typeof error }
  const { name, code, cause } = error as { name?: unknown; code?: unknown; cause?: unknown }
  return {
    name: safeName(name) ?? 'Error',
    code: safeName(code),
    cause: cause === undefined || depth > 3 ? undefined : describeError(cause, depth + 1),
  }
}

function safeName(value: unknown): string | undefined {
  return typeof value === 'string' && SAFE_NAME.test(value) ? value : undefined
}
