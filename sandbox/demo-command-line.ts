// What the demo's command line and environment say: at which ports it is. Pure.

import { readArguments, UsageError } from './command-line.ts'

export const demoUsage = `The demo: fhirstorm with a frontend, and the sandbox EHR to sign in at.

  npm run demo -- [options]

  --port N           port of fhirstorm         5000   PORT
  --sandbox-port N   port of the sandbox EHR   5001   SANDBOX_PORT
  --help             these lines

Where a port is busy the next free one is taken. The last column names environment variables.
`

export interface DemoPorts {
  app: number
  sandbox: number
}

const options = {
  port: { type: 'string' },
  'sandbox-port': { type: 'string' },
  help: { type: 'boolean' },
} as const

/** The ports that are asked for; undefined where help is. Throws `UsageError`. */
export function parseDemoCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DemoPorts | undefined {
  const given = readArguments(args, options)
  if (given.help) return undefined
  return {
    app: readPort('--port', given.port ?? env.PORT ?? '5000'),
    sandbox: readPort('--sandbox-port', given['sandbox-port'] ?? env.SANDBOX_PORT ?? '5001'),
  }
}

function readPort(name: string, value: string): number {
  const port = Number(value)
  if (/^\d{1,5}$/.test(value) && port > 0 && port < 65_536) return port
  throw new UsageError(`${name} ${value} is no port`)
}
