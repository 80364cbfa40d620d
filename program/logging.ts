// The log: one JSON line per event, made of words and numbers that we chose. Requests are logged by
// route pattern, errors by code; URLs, headers, bodies and library messages never get here
// (attacks G1 to G4).

import type { LoggerOptions } from 'pino'
import { describeError } from '../src/error-description.ts'

/** What Fastify would write of a request: its address holds codes, states, and names of records. */
export const requestSerializers = { req: () => undefined, res: () => undefined }

/** Options for pino in which an error is written as names and codes alone. */
export function buildLoggerOptions(level: string): LoggerOptions {
  return {
    level,
    base: undefined,
    timestamp: createTimestamps(),
    formatters: { level: label => ({ level: label }) },
    serializers: { ...requestSerializers, err: describeError, error: describeError },
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
