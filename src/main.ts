// The program: one command, chosen by the first word. `process` is used here and in cli/ alone.

import { check } from './cli/check.ts'
import { discover } from './cli/discover.ts'
import { keys } from './cli/keys.ts'
import { schema } from './cli/schema.ts'
import { start } from './cli/start.ts'

const commands: Record<string, (args: string[]) => Promise<number | undefined>> = {
  start,
  check,
  discover,
  keys,
  schema,
}

const USAGE = `usage: fhirstorm COMMAND [--config FILE]

  start                                   run the service
  check [--online] [--explain] [--json]   judge configuration, keys and each EHR's discovery
  discover URL                            what an EHR says of itself, and the entry to paste
  keys make|rotate|export [--file FILE]   make, rotate or publish keys
  schema                                  print the JSON schema of fhirstorm.yaml
`

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (!command) {
  process.stderr.write(USAGE)
  process.exitCode = 2
} else {
  process.exitCode = await command(args)
}
