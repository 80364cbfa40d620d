// Runs a judge and tells the code of its refusal.

import { BrokerError, type FaultCode } from '../../src/errors.ts'

/** The code with which the work is refused; `undefined` when it is not. */
export function refusalOf(work: () => unknown): FaultCode | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof BrokerError) return error.code
    throw error
  }
}
