// Why a reload did not come into force, as whoever asked for it is told.

import { describeError } from '../src/error-description.ts'
import { VaultRefusal } from '../src/vault/refusal.ts'
import { ConfigError, type ConfigFault, unplaced } from './config/faults.ts'

/** Why a configuration did not come into force, for whoever wrote it. */
export function describeFaults(error: unknown): readonly ConfigFault[] {
  if (error instanceof ConfigError) return error.faults
  if (error instanceof VaultRefusal) return [unplaced('keysFile', error.message)]
  const { name, code } = describeError(error)
  return [{ where: 'service', message: [name, code].filter(Boolean).join(' ') }]
}
