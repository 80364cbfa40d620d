// What a failed exchange with an EHR is called: by the codes of Node and undici and the system call that
// failed, never by a message. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])
const UNREACHABLE = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT'],
  ...['ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'ADDRESS_REFUSED', 'PROXY_REFUSED'],
])
/** System calls before which nothing can have been sent, whatever their code. */
const CONNECTING = new Set(['getaddrinfo', 'connect'])
const TLS = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/

/** The refusal for an error of a dispatched request; one that is a refusal already stays it. */
export function toBrokerError(error: Error): BrokerError {
  if (error instanceof BrokerError) return error
  const { code = '', syscall = '' } = error as { code?: string; syscall?: string }
  if (TIMEOUTS.has(code)) return new BrokerError('upstream_timeout', { cause: error })
  const isUnreachable = UNREACHABLE.has(code) || CONNECTING.has(syscall) || TLS.test(code)
  return new BrokerError(isUnreachable ? 'upstream_unreachable' : 'upstream_broken', {
    cause: error,
  })
}
