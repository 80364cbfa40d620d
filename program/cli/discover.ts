// `fhirstorm discover URL`: asks an EHR, before it is registered, how it authorizes, and prints what it
// says, what would be used and the registration to paste. Status 0: usable; 1: not; 2: wrong usage.

import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createEgress, type Egress } from '../../src/network/egress.ts'
import { buildDiscoveryReport } from '../../src/smart/survey/report.ts'
import { parseFhirBase, surveyEhr } from '../../src/smart/survey/survey.ts'
import type { NetworkPolicy } from '../../src/smart/types.ts'
import { resolveProxy } from '../config/outbound-proxy.ts'
import { type CommandLine, readCommandLine } from './command-line.ts'
import { complain, print } from './terminal.ts'

/** Where a command writes. */
export interface CommandOutput {
  out(text: string): void
  error(text: string): void
}

const grammar = {
  name: 'fhirstorm discover',
  words: 1,
  options: {
    private: { type: 'boolean' },
    ca: { type: 'string' },
    'public-url': { type: 'string' },
  },
  usage: `usage: fhirstorm discover URL [--private] [--ca FILE] [--public-url URL]

  URL               the FHIR base, https (http only on this machine)
  --private         the EHR lies in a private network
  --ca FILE         certificate of a private CA, PEM
  --public-url URL  where browsers reach fhirstorm (FHIRSTORM_PUBLIC_URL)
`,
} as const

const terminal: CommandOutput = { out: print, error: complain }

/** Runs the command and returns its exit status. */
export async function discover(args: string[], io = terminal): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const asked = readCommand(line)
  if (asked === undefined) {
    io.error(grammar.usage)
    return 2
  }
  const network = await readNetwork(asked)
  if (network === undefined) {
    io.error(`fhirstorm: ${asked.caFile} is no readable CA certificate\n`)
    return 2
  }
  const egresses: Egress[] = []
  try {
    const survey = await surveyEhr(asked.iss, {
      network,
      now: Date.now,
      open: registration => {
        const egress = createEgress(registration)
        egresses.push(egress)
        return egress.fetch
      },
    })
    const { reach, caFile } = asked
    const report = buildDiscoveryReport({ ...survey, network: { reach, caFile } }, asked.publicUrl)
    io.out(`${report.join('\n')}\n`)
    return survey.outcome.usable ? 0 : 1
  } finally {
    await Promise.all(egresses.map(egress => egress.close()))
  }
}

interface Command {
  iss: string
  reach: NetworkPolicy['reach']
  caFile: string | undefined
  /** Without a trailing slash. */
  publicUrl: string | undefined
}

function readCommand({ values, words }: CommandLine): Command | undefined {
  const iss = parseFhirBase(words[0] ?? '')
  const publicUrl = values['public-url'] ?? process.env.FHIRSTORM_PUBLIC_URL
  if (iss === undefined || (publicUrl !== undefined && !URL.canParse(String(publicUrl)))) {
    return undefined
  }
  return {
    iss,
    reach: values.private ? 'private' : 'public',
    caFile: values.ca as string | undefined,
    publicUrl: publicUrl === undefined ? undefined : String(publicUrl).replace(/\/$/, ''),
  }
}

async function readNetwork({ iss, reach, caFile }: Command): Promise<NetworkPolicy | undefined> {
  const proxy = resolveProxy(iss, process.env)
  if (caFile === undefined) return { reach, proxy }
  try {
    const ca = await readFile(caFile, 'utf8')
    return new X509Certificate(ca).ca ? { reach, ca, proxy } : undefined
  } catch {
    return undefined
  }
}
