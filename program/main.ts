// The program: one command, chosen by the first word. `process` is used here and in cli/ alone. What a
// command throws is told in one line, by names, codes and places: a message may hold anything.

import { describeError } from '../src/error-description.ts'
import { locateFault } from '../src/fault-site.ts'
import { check } from './cli/check.ts'
import { discover } from './cli/discover.ts'
import { healthcheck } from './cli/healthcheck.ts'
import { disarmInspector } from './cli/inspector.ts'
import { keys } from './cli/keys.ts'
import { schema } from './cli/schema.ts'
import { start } from './cli/start.ts'
import { complain } from './cli/terminal.ts'

const commands: Record<string, (args: string[]) => Promise<number | undefined>> = {
  start,
  check,
  discover,
  healthcheck,
  keys,
  schema,
}

const USAGE = `usage: fhirstorm COMMAND [--config FILE]

  start                                   run the service
  check [--online] [--explain] [--json]   judge configuration, keys and each EHR's discovery
  discover URL                            what an EHR says of itself, and the entry to paste
  healthcheck [--ready]                   ask the running service whether it is well
  keys make|rotate|export [--file FILE]   make, rotate or publish keys
  keys epoch [--file FILE]                end all sessions, also those that a backup brings back
  schema                                  print the JSON schema of fhirstorm.yaml
`

disarmInspector()
const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (!command) {
  complain(USAGE)
  process.exitCode = 2
} else {
  process.exitCode = await command(args).catch(error => process.exit(tell(error)))
}

function tell(error: unknown): number {
  const { name, code = '' } = describeError(error)
  if (code.startsWith('ERR_PARSE_ARGS')) {
    complain(USAGE)
    return 2
  }
  const { syscall } = (error ?? {}) as { syscall?: unknown }
  const what =
    typeof syscall === 'string' && /^\w{1,32}$/.test(syscall) ? `${syscall} failed` : name
  const [place] = locateFault(error).filter(path => !path.startsWith('node:'))
  complain(
    `fhirstorm: ${[what, code && `(${code})`, place && `at ${place}`].filter(Boolean).join(' ')}\n`,
  )
  return 1
}
