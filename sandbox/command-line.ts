// What the sandbox's command line and environment say: where it listens, and where the app is. Pure.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type { SandboxOptions } from './sandbox.ts'

export const usage = `The sandbox EHR: a real authorization server and a FHIR server with synthetic patients.

  npm run sandbox -- [options]

  --port N            port to listen at                        5001                    SANDBOX_PORT
  --host ADDRESS      address to listen at                     127.0.0.1               SANDBOX_HOST
  --app-url URL       where the app is                         http://localhost:5000   APP_URL
  --launch-url URL    what an EHR launch opens                 /launch                 LAUNCH_URL
  --redirect-uri URI  a redirect URI besides /redirect and                             REDIRECT_URI
                      /redirect/ID; may be given repeatedly
  --jwks-url URL      the app's keys, for private_key_jwt      /.well-known/jwks.json  JWKS_URL
  --help              these lines

What begins with a slash is below the app's URL. The last column names environment variables.
The start page lists patients, clients with their secrets, addresses, recipes and faces.
`

/** A line that says what is wrong with the command line. */
export class UsageError extends Error {}

const options = {
  port: { type: 'string' },
  host: { type: 'string' },
  'app-url': { type: 'string' },
  'launch-url': { type: 'string' },
  'redirect-uri': { type: 'string', multiple: true },
  'jwks-url': { type: 'string' },
  help: { type: 'boolean' },
} as const

/** The options of the sandbox; undefined where help is asked for. Throws `UsageError`. */
export function parseCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): SandboxOptions | undefined {
  const given = readArguments(args, options)
  if (given.help) return undefined
  const place = given['app-url'] ?? env.APP_URL ?? 'http://localhost:5000'
  const appUrl = readBase('--app-url', place)
  const ofApp = (name: string, value: string) =>
    readUrl(name, value.startsWith('/') ? `${appUrl}${value}` : value)
  const redirectUris = given['redirect-uri'] ?? env.REDIRECT_URI?.split(/\s+/).filter(Boolean) ?? []
  return {
    host: given.host ?? env.SANDBOX_HOST ?? '127.0.0.1',
    port: readPort(given.port ?? env.SANDBOX_PORT ?? '5001'),
    appUrl,
    launchUrl: ofApp('--launch-url', given['launch-url'] ?? env.LAUNCH_URL ?? '/launch'),
    redirectUris: redirectUris.map(uri => ofApp('--redirect-uri', uri)),
    jwksUri: ofApp('--jwks-url', given['jwks-url'] ?? env.JWKS_URL ?? '/.well-known/jwks.json'),
    ehrIds: ['keys', 'embedded', 'ehr'],
  }
}

/** The values of a command line that has these options alone. Throws `UsageError`. */
export function readArguments<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0])
  }
}

function readPort(value: string): number {
  const port = Number(value)
  if (/^\d{1,5}$/.test(value) && port < 65_536) return port
  throw new UsageError(`--port ${value} is no port`)
}

function readBase(name: string, value: string): string {
  if (/[?#]/.test(value)) throw new UsageError(`${name} ${value} has a query or a fragment`)
  return readUrl(name, value).replace(/\/$/, '')
}

function readUrl(name: string, value: string): string {
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) {
    throw new UsageError(`${name} ${value} is no http or https URL`)
  }
  return value
}
