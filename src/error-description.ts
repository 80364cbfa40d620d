// What may be written about an error, whoever prints it: names, codes and fixed words (attacks G1 to G4).

import { BrokerError } from './errors.ts'

const SAFE_NAME = /^[A-Za-z0-9_.-]{1,64}$/

/** What may be written; whatever prints it finds names, codes and fixed words alone. */
export class ErrorDescription {
  readonly name: string
  readonly code: string | undefined
  readonly detail: string | undefined
  readonly ehr: string | undefined
  readonly cause: ErrorDescription | undefined

  constructor(members: Partial<ErrorDescription> & { name: string }) {
    this.name = members.name
    this.code = members.code
    this.detail = members.detail
    this.ehr = members.ehr
    this.cause = members.cause
  }
}

/**
 * What may be written about an error: its class name, its code, and for our own errors the fixed
 * detail. Messages and other members of foreign errors may hold claims, URLs or credentials.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (error instanceof ErrorDescription) return error
  if (error instanceof BrokerError) {
    return new ErrorDescription({
      name: error.name,
      code: error.code,
      detail: error.detail,
      ehr: error.ehr,
      cause:
        error.cause === undefined || depth > 3 ? undefined : describeError(error.cause, depth + 1),
    })
  }
  if (typeof error !== 'object' || error === null) {
    return new ErrorDescription({ name: typeof error })
  }
  const { name, code, cause } = error as { name?: unknown; code?: unknown; cause?: unknown }
  return new ErrorDescription({
    name: safeName(name) ?? 'Error',
    code: safeName(code),
    cause: cause === undefined || depth > 3 ? undefined : describeError(cause, depth + 1),
  })
}

function safeName(value: unknown): string | undefined {
  return typeof value === 'string' && SAFE_NAME.test(value) ? value : undefined
}
