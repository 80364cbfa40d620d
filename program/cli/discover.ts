// `fhirstorm discover URL`: asks an EHR, before it is registered, how it authorizes, and prints what it
// says, what would be used and the registration to paste. Status 0: usable; 1: not; 2: wrong usage.

import { buildDiscoveryReport } from '../../src/smart/survey/report.ts'
import { parseFhirBase } from '../../src/smart/survey/survey.ts'
import { type AskedEhr, askEhr } from './ask-ehr.ts'
import { type CommandLine, type Grammar, readCommandLine } from './command-line.ts'
import { complain, print } from './terminal.ts'

/** Where a command writes. */
export interface CommandOutput {
  out(text: string): void
  error(text: string): void
}

const grammar: Grammar = {
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
}

const terminal: CommandOutput = { out: print, error: complain }

/** Runs the command and returns its exit status. */
export async function discover(args: string[], io = terminal): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const asked = readAsked(line)
  if (typeof asked === 'string') {
    io.error(`fhirstorm discover: ${asked} (fhirstorm discover --help)\n`)
    return 2
  }
  const survey = await askEhr(asked)
  if (survey === undefined) {
    io.error(`fhirstorm: ${asked.caFile} is no readable CA certificate\n`)
    return 2
  }
  io.out(`${buildDiscoveryReport(survey, asked.publicUrl).join('\n')}\n`)
  return survey.outcome.usable ? 0 : 1
}

interface Asked extends AskedEhr {
  /** Without a trailing slash. */
  publicUrl: string | undefined
}

/** What is asked, or in words why nothing can be. */
function readAsked({ values, words }: CommandLine): Asked | string {
  const [address] = words
  if (address === undefined) return 'which EHR? Give the URL of its FHIR base'
  const iss = parseFhirBase(address)
  if (iss === undefined) {
    return 'the FHIR base must be an https URL (http only on this machine), without user, query or fragment'
  }
  const publicUrl = values['public-url'] ?? process.env.FHIRSTORM_PUBLIC_URL
  if (publicUrl !== undefined && !URL.canParse(String(publicUrl))) {
    const name = values['public-url'] === undefined ? 'FHIRSTORM_PUBLIC_URL' : '--public-url'
    return `${name} must be a URL`
  }
  return {
    iss,
    reach: values.private ? 'private' : 'public',
    caFile: values.ca as string | undefined,
    publicUrl: publicUrl === undefined ? undefined : String(publicUrl).replace(/\/$/, ''),
  }
}
