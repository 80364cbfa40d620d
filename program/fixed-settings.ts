// What a process takes at its start alone. Pure: no I/O, no clock.

import { printPlace } from './audit.ts'
import { type ConfigFault, unplaced } from './config/faults.ts'
import type { Config } from './config/load.ts'

/** What a running process cannot change. */
export function listFixed(before: Config, after: Config): ConfigFault[] {
  const fixed = [
    ['listen.host', before.listen.host, after.listen.host],
    ['listen.port', before.listen.port, after.listen.port],
    ['listen.tls', before.listen.tls !== undefined, after.listen.tls !== undefined],
    ['vault', JSON.stringify(before.vault), JSON.stringify(after.vault)],
    ['processes', before.processes, after.processes],
    ['audit', printPlace(before.audit), printPlace(after.audit)],
  ] as const
  return fixed.flatMap(([setting, was, is]) =>
    was === is ? [] : [unplaced(setting, 'takes a restart to change')],
  )
}
