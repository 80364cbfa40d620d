// The refusal of a configuration, for tests of what is faulty in it.

import assert from 'node:assert/strict'
import { ConfigError } from '../../../program/config/faults.ts'

/** The error with which a configuration is refused; fails where it is accepted. */
export async function configErrorOf(loading: Promise<unknown>): Promise<ConfigError> {
  const error = await loading.then(
    () => assert.fail('the configuration was accepted'),
    reason => reason,
  )
  assert.ok(error instanceof ConfigError, String(error))
  return error
}
