// `fhirstorm init`: from a FHIR base and a client to a configuration that starts. Asks the EHR how it
// authorizes, writes fhirstorm.yaml, the key ring and the client's secret, and tells what to register.
// Writes over nothing.

import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { describeError } from '../../src/error-description.ts'
import { describeFault } from '../../src/errors.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'
import { makeFolder } from '../../src/make-folder.ts'
import { describeClientAddresses, listClientAddresses } from '../../src/smart/client-addresses.ts'
import { findPreset } from '../../src/smart/presets.ts'
import { ownRedirectPath } from '../../src/smart/redirect-uri.ts'
import {
  buildRegistrationBlock,
  chooseClientAuth,
  suggestEhrId,
} from '../../src/smart/survey/registration-block.ts'
import { parseFhirBase, type Survey } from '../../src/smart/survey/survey.ts'
import type { AuthorizationServer } from '../../src/smart/types.ts'
import { configSchema } from '../config/schema.ts'
import { askEhr } from './ask-ehr.ts'
import { type CommandLine, type Grammar, readCommandLine, refuse } from './command-line.ts'
import { makeClientKey } from './keys.ts'
import { findServedRoot } from './served-root.ts'
import { complain, print } from './terminal.ts'

const text = { type: 'string' } as const
const grammar: Grammar = {
  name: 'fhirstorm init',
  options: {
    ...{ iss: text, 'client-id': text, 'client-secret-file': text, 'public-url': text },
    ...{ folder: text, ca: text, private: { type: 'boolean' } },
  },
  usage: `usage: fhirstorm init [--iss URL] [--client-id ID] [--client-secret-file FILE] [--public-url URL]

  --iss URL                  the FHIR base of the EHR
  --client-id ID             the confidential client, as registered there
  --client-secret-file FILE  its secret; without one the client proves itself by a key, where the EHR takes that
  --public-url URL           where browsers are to reach fhirstorm; http://localhost:5000 unless told
  --private, --ca FILE       the EHR lies in a private network; behind a CA of its own
  --folder FOLDER            where to write; here unless told. None that a development server serves

  What is not told is asked for, where somebody is there to answer.
`,
}

const CONFIG = 'fhirstorm.yaml'
const KEYS = 'secrets/fhirstorm-keys.json'
const SECRET = 'secrets/client-secret'

/** Runs the command and returns its exit status. */
export async function init(args: string[]): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const folder = String(line.values.folder ?? '.')
  const there = await findThere(folder)
  if (there !== undefined) return fail(`${there} is there already, and is never overwritten`)
  const mark = findServedRoot(folder)
  if (mark !== undefined) {
    const where = 'a development server serves that folder, secrets and all'
    return fail(`${mark}: ${where}: write beside it, as by --folder ../bff`)
  }
  const questions = createQuestions()
  try {
    return await begin(line, folder, questions)
  } catch (error) {
    if (error instanceof Refusal) return refuse(grammar, error.message)
    throw error
  } finally {
    questions.close()
  }
}

async function begin(
  { values }: CommandLine,
  folder: string,
  { ask, askSecretly }: Questions,
): Promise<number> {
  const iss = parseFhirBase(String(values.iss ?? (await ask('iss', 'FHIR base of the EHR'))))
  if (iss === undefined) throw new Refusal('--iss is an https address (http only on this machine)')
  const publicUrl = String(values['public-url'] ?? 'http://localhost:5000').replace(/\/$/, '')
  if (!configSchema.shape.publicUrl.safeParse(publicUrl).success) {
    throw new Refusal('--public-url is https, or http on localhost')
  }
  const reach = values.private ? 'private' : 'public'
  const survey = await askEhr({ iss, reach, caFile: values.ca as string | undefined })
  if (survey === undefined) throw new Refusal('--ca is no readable CA certificate')
  const { outcome } = survey
  if (!outcome.usable) {
    const { code, detail = '' } = outcome.error
    const hint = `fhirstorm discover ${iss} tells more`
    return fail(`${code} ${detail}: ${describeFault(code).message} ${hint}`)
  }
  const clientId = String(values['client-id'] ?? (await ask('client-id', 'client id')))
  const secretFile = values['client-secret-file'] as string | undefined
  const given = secretFile === undefined ? undefined : await readSecret(secretFile)
  const clientAuth = chooseProof(outcome.server, iss, given !== undefined)
  const needsSecret = clientAuth.method !== 'private_key_jwt'
  const secret =
    given ?? (needsSecret ? await askSecretly('client-secret-file', 'client secret') : undefined)
  const draft = { iss, publicUrl, clientId, clientAuth, secret }
  await write(folder, survey, outcome.server, draft)
  print(describe(folder, draft))
  return 0
}

interface Draft {
  iss: string
  publicUrl: string
  clientId: string
  clientAuth: ReturnType<typeof chooseClientAuth>
  secret: string | undefined
}

/** A secret that was given is used, whatever else the EHR takes. */
function chooseProof(server: AuthorizationServer, iss: string, hasSecret: boolean) {
  const chosen = chooseClientAuth(server, findPreset(iss))
  if (!hasSecret || chosen.method !== 'private_key_jwt') return chosen
  const others = server.tokenEndpointAuthMethods?.filter(method => method !== 'private_key_jwt')
  return chooseClientAuth({ ...server, tokenEndpointAuthMethods: others })
}

async function write(
  folder: string,
  survey: Survey,
  server: AuthorizationServer,
  { publicUrl, clientId, clientAuth, secret }: Draft,
): Promise<void> {
  const clientKeys =
    clientAuth.method === 'private_key_jwt'
      ? [await makeClientKey(clientAuth.alg === 'RS384' ? 'RS384' : 'ES384')]
      : []
  const ring = printKeyRing({ ...makeKeyRing(Date.now(), randomBytes), clientKeys })
  const entry = buildRegistrationBlock(survey, server, { clientId, clientAuth, secretFile: SECRET })
  const { protocol, port, pathname } = new URL(publicUrl)
  // Where it has a path, the port is that of what stands before: a development server, say.
  const isOurs = protocol === 'http:' && pathname === '/'
  const lines = [
    `publicUrl: ${publicUrl}`,
    ...(isOurs ? [`listen: { port: ${port || 80} }`] : []),
    `keysFile: ${KEYS}`,
    'vault: { kind: sqlite, path: data/vault.db }',
    'ehrs:',
    ...entry,
  ]
  const secretly = { mode: 0o600, flag: 'wx' } as const
  for (const name of ['secrets', 'data']) {
    makeFolder(join(folder, name))
    // What git would take along, `git add .` has published.
    await writeFile(join(folder, name, '.gitignore'), '*\n', secretly).catch(keepExisting)
  }
  await writeFile(join(folder, KEYS), ring, secretly)
  if (secret !== undefined) await writeFile(join(folder, SECRET), `${secret}\n`, secretly)
  await writeFile(join(folder, CONFIG), `${lines.join('\n')}\n`, secretly)
}

function describe(folder: string, { iss, publicUrl, clientAuth, secret }: Draft): string {
  const id = suggestEhrId(iss)
  const client = { id, iss, redirectUri: publicUrl + ownRedirectPath(id), clientAuth }
  const files = [CONFIG, KEYS, ...(secret === undefined ? [] : [SECRET])]
  const option = folder === '.' ? '' : ` --config ${join(folder, CONFIG)}`
  return [
    ...files.map(name => `wrote ${join(folder, name)}`),
    '',
    'To register at the EHR, for this client',
    ...describeClientAddresses(listClientAddresses(client, [], { publicUrl })).map(
      row => `  ${row}`,
    ),
    '',
    `Then: fhirstorm check --online${option} && fhirstorm start${option}`,
    `A login begins at ${publicUrl}/login, and the EHR launches at ${publicUrl}/launch.`,
    '',
  ].join('\n')
}

function keepExisting(error: unknown): void {
  if (describeError(error).code !== 'EEXIST') throw error
}

async function findThere(folder: string): Promise<string | undefined> {
  for (const name of [CONFIG, KEYS, SECRET]) {
    const path = join(folder, name)
    if (await stat(path).catch(() => undefined)) return path
  }
  return undefined
}

async function readSecret(path: string): Promise<string> {
  const read = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Refusal(`--client-secret-file cannot be read (${describeError(error).code})`)
  })
  if (read.trim() === '') throw new Refusal('--client-secret-file is empty')
  return read.trim()
}

/** A use that cannot go on, in words that name the option. */
class Refusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Refusal'
  }
}

interface Questions {
  ask(option: string, question: string): Promise<string>
  /** What is typed is not shown. */
  askSecretly(option: string, question: string): Promise<string>
  close(): void
}

function createQuestions(): Questions {
  let isSecret = false
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (isSecret) done()
      else process.stderr.write(chunk, done)
    },
  })
  const terminal = process.stdin.isTTY
    ? createInterface({ input: process.stdin, output, terminal: true })
    : undefined
  const ask = async (option: string, question: string) => {
    const answer = (await terminal?.question(`${question}: `))?.trim()
    if (!answer) throw new Refusal(`--${option} is needed`)
    return answer
  }
  return {
    ask,
    async askSecretly(option, question) {
      if (terminal) complain(`${question}: `)
      isSecret = true
      const answer = await ask(option, '').finally(() => {
        isSecret = false
      })
      complain('\n')
      return answer
    },
    close: () => terminal?.close(),
  }
}

function fail(message: string): number {
  complain(`fhirstorm init: ${message}\n`)
  return 1
}
