// `fhirstorm healthcheck`: asks the running service, where the same configuration says that it listens,
// whether it is well; for a container's HEALTHCHECK. Status 0: it answers; 1: it does not. A file that is
// being edited makes no running service ill: then HOST and PORT count, or where it listens by itself.

import * as http from 'node:http'
import * as https from 'node:https'
import { withOptions } from '../config/environment.ts'
import { type Config, ConfigError } from '../config/load.ts'
import { type CommandLine, configurationOptions, readCommandLine } from './command-line.ts'
import { judgeConfiguration, tellFaults } from './configuration.ts'
import { complain } from './terminal.ts'

const DEADLINE_MS = 2_500
/** Addresses that mean every interface: the service is asked on this machine. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

const grammar = {
  name: 'fhirstorm healthcheck',
  options: { ...configurationOptions, ready: { type: 'boolean' } },
  usage: `usage: fhirstorm healthcheck [--config FILE] [--ready]

  --config FILE  the configuration of the running service; else as for start
  --ready        asks /readyz instead of /healthz: whether the vault is reachable, too
`,
} as const

/** Asks `/healthz`, or `/readyz` with `--ready`, and gives the exit status. */
export async function healthcheck(args: string[]): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const { values } = line
  const place = await findPlace(values)
  if (place === undefined) return 1
  const { host, port, tls } = place
  const path = values.ready ? '/readyz' : '/healthz'
  const status = await ask({ host: EVERYWHERE[host] ?? host, port, path, isSecure: Boolean(tls) })
  if (status === 200) return 0
  complain(`fhirstorm: ${path} ${status === undefined ? 'gives no answer' : `says ${status}`}\n`)
  return 1
}

// Undefined where nobody could tell a place.
async function findPlace(asked: CommandLine['values']): Promise<Config['listen'] | undefined> {
  try {
    return (await judgeConfiguration(asked)).listen
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const {
      HOST,
      PORT = '5000',
      FHIRSTORM_DEFAULT_HOST = '127.0.0.1',
    } = withOptions(process.env, asked)
    const port = Number(PORT)
    if (Number.isInteger(port) && port > 0 && port < 65536) {
      return { host: HOST ?? FHIRSTORM_DEFAULT_HOST, port }
    }
    tellFaults(error)
    return undefined
  }
}

function ask(asked: {
  host: string
  port: number
  path: string
  isSecure: boolean
}): Promise<number | undefined> {
  const { isSecure, ...place } = asked
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  const signal = AbortSignal.timeout(DEADLINE_MS)
  // The certificate is for the public name; nothing is sent but the question.
  const request = (isSecure ? https : http).get(
    { ...place, signal, rejectUnauthorized: false, agent: false },
    response => {
      response.resume()
      resolve(response.statusCode)
    },
  )
  request.on('error', () => resolve(undefined))
  return promise
}
