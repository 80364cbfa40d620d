// The program: one command, chosen by the first word. `process` is used here and in cli/ alone. What a
// command throws is told in one line, by names, codes and places: a message may hold anything.

import { describeError } from '../src/error-description.ts'
import { locateFault } from '../src/fault-site.ts'
import { audit } from './cli/audit.ts'
import { check } from './cli/check.ts'
import { refuse } from './cli/command-line.ts'
import { discover } from './cli/discover.ts'
import { healthcheck } from './cli/healthcheck.ts'
import { init } from './cli/init.ts'
import { disarmInspector } from './cli/inspector.ts'
import { keys } from './cli/keys.ts'
import { schema } from './cli/schema.ts'
import { start } from './cli/start.ts'
import { complain, print } from './cli/terminal.ts'
import { work } from './cli/work.ts'
import { findNearest } from './config/nearest.ts'
import { readVersion } from './version.ts'

const commands: Record<string, (args: string[]) => Promise<number | undefined>> = {
  init,
  start,
  work,
  check,
  discover,
  healthcheck,
  keys,
  audit,
  schema,
  help: async () => usage(),
  version: async () => tellVersion(),
}

const USAGE = `usage: fhirstorm COMMAND [--config FILE] [--help]

  init          from an EHR and a client to a configuration that starts
  start         run the service
  check         judge the configuration, and everything that start would meet; --online: each EHR too
  discover URL  what an EHR says of itself, and the entry to paste
  keys ACTION   make, rotate, publish and end keys
  audit ACTION  whether audit files are whole, and the public keys that verify them
  healthcheck   ask the running service whether it is well
  schema        print the JSON schema of fhirstorm.yaml

  fhirstorm COMMAND --help names the options of a command, fhirstorm --version this version.
`

disarmInspector()
process.exitCode = await run(process.argv.slice(2)).catch(error => process.exit(tell(error)))

async function run([name, ...args]: string[]): Promise<number | undefined> {
  if (name === undefined) {
    complain(USAGE)
    return 2
  }
  if (name === '--help' || name === '-h') return usage()
  if (name === '--version' || name === '-v') return tellVersion()
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command) return await command(args)
  const nearest = findNearest(name, Object.keys(commands))
  return refuse(
    { name: 'fhirstorm' },
    `there is no such command${nearest ? `; ${nearest} is one` : ''}`,
  )
}

function usage(): number {
  print(USAGE)
  return 0
}

function tellVersion(): number {
  print(`${readVersion()}\n`)
  return 0
}

function tell(error: unknown): number {
  const { name, code = '' } = describeError(error)
  const { syscall } = (error ?? {}) as { syscall?: unknown }
  const what =
    typeof syscall === 'string' && /^\w{1,32}$/.test(syscall) ? `${syscall} failed` : name
  const [place] = locateFault(error).filter(path => !path.startsWith('node:'))
  complain(
    `fhirstorm: ${[what, code && `(${code})`, place && `at ${place}`].filter(Boolean).join(' ')}\n`,
  )
  return 1
}
