// What Fastify and a host's hooks refuse with, in our own codes. Pure: no I/O, no clock.

import { BrokerError, type FaultCode } from './errors.ts'

const frameworkFaults: Record<string, FaultCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_refused',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_invalid',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_invalid',
  FST_ERR_VALIDATION: 'bad_request',
  // Asked of the method QUERY alone, which no route has.
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'method_not_allowed',
}

/** The refusal that an error of Fastify, a host's hook or our own comes to; all else is `internal`. */
export function toBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  const { code, statusCode } = (error ?? {}) as { code?: string; statusCode?: number }
  const known = frameworkFaults[code ?? '']
  if (known) return new BrokerError(known, { cause: error })
  const isRefusal = statusCode !== undefined && statusCode >= 400 && statusCode < 600
  if (!isRefusal) return new BrokerError('internal', { cause: error })
  if (!code?.startsWith('FST_ERR_')) {
    return new BrokerError('host_refused', { status: statusCode, cause: error })
  }
  return new BrokerError(statusCode < 500 ? 'bad_request' : 'internal', { cause: error })
}
