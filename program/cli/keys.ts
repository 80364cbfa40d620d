// `fhirstorm keys ACTION`: the key ring file (mode 0600), and the public client keys for an EHR that
// cannot fetch them. Existing files are never overwritten by `make`; every change writes a new file beside
// the old one and moves it into place.

import { randomBytes } from 'node:crypto'
import { chmod, chown, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  addClientKey,
  addKey,
  describeNextStep,
  promoteKeys,
  type RotationTimes,
  retireKeys,
  rotateClientKeys,
  rotateKeyRing,
} from '../../src/key-rotation.ts'
import {
  beginEpoch,
  type KeyRing,
  makeKeyRing,
  parseKeyRing,
  printKeyRing,
} from '../../src/keys.ts'
import { makeFolder } from '../../src/make-folder.ts'
import { buildPublicKeySet, parseClientKeys } from '../../src/smart/token/client-keys.ts'
import { readCommandLine, refuse } from './command-line.ts'
import { readNamedFile } from './named-file.ts'
import { complain, print } from './terminal.ts'

/** The longest absolute limit a session can be configured to. */
const LONGEST_HOURS = 168
const DEFAULT_FILE = 'fhirstorm-keys.json'

const grammar = {
  name: 'fhirstorm keys',
  words: 1,
  options: {
    file: { type: 'string', default: DEFAULT_FILE },
    'keep-hours': { type: 'string', default: String(LONGEST_HOURS) },
    'client-alg': { type: 'string' },
  },
  usage: `usage: fhirstorm keys ACTION [--file FILE] [--client-alg ES384|RS384] [--keep-hours HOURS]

  make     a new key ring, with a client key where --client-alg is given
  status   which keys there are, and which step is next
  add      a server key, or with --client-alg a client key, that is known but not used yet
  promote  what was added is used from now on; first restart or reload every process
  retire   takes away what was replaced --keep-hours ago (unless told, the longest that sessions can last)
  rotate   all three in one step, for a single process
  export   the public client keys, for an EHR that cannot fetch them
  epoch    ends all sessions, also those that a backup brings back

  --file FILE         the key ring; ./fhirstorm-keys.json unless told
  --client-alg ALG    ES384 or RS384: make and add make a client key of this kind
  --keep-hours HOURS  how long retire and rotate keep what was replaced; 168 unless told
`,
} as const

type Alg = 'ES384' | 'RS384'

/** Runs the command and returns its exit status. */
export async function keys(args: string[]): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const { file, 'client-alg': alg, 'keep-hours': hours } = line.values
  const [action = ''] = line.words
  const keepMs = Number(hours) * 3_600_000
  if (alg !== undefined && alg !== 'ES384' && alg !== 'RS384') {
    return refuse(grammar, '--client-alg is ES384 or RS384')
  }
  if (!(keepMs > 0)) return refuse(grammar, '--keep-hours is a number of hours above 0')
  const task = { file: String(file), alg: alg as Alg | undefined, now: Date.now(), keepMs }
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined
  if (act === undefined) return refuse(grammar, `what to do is one of ${names}`)
  try {
    return await act(task)
  } catch (error) {
    complain(`fhirstorm keys ${action}: ${describe(error, task.file)}\n`)
    return 1
  }
}

interface Task extends RotationTimes {
  file: string
  alg: Alg | undefined
}

const actions: Record<string, (task: Task) => Promise<number>> = {
  make,
  status,
  add: change(async (ring, { now, alg }) =>
    alg ? addClientKey(ring, await makeClientKey(alg)) : addKey(ring, now, randomBytes),
  ),
  promote: change(async (ring, { now }) => promoteKeys(ring, now)),
  retire: change(async (ring, times) => retireKeys(ring, times)),
  rotate: change(async (ring, { alg, ...times }) => ({
    ...rotateKeyRing(ring, { ...times, randomBytes }),
    clientKeys: alg
      ? rotateClientKeys(ring.clientKeys, await makeClientKey(alg), times.now)
      : ring.clientKeys,
  })),
  export: exportKeys,
  epoch,
}
const names = Object.keys(actions).join(', ')

async function make({ file, alg, now }: Task): Promise<number> {
  const ring = makeKeyRing(now, randomBytes)
  const clientKeys = alg ? [await makeClientKey(alg)] : []
  makeFolder(dirname(file))
  await writeFile(file, printKeyRing({ ...ring, clientKeys }), { mode: 0o600, flag: 'wx' })
  print(`${file}: one server key${alg ? ` and one ${alg} client key` : ''}\n`)
  return 0
}

async function status(task: Task): Promise<number> {
  tell(await read(task.file), task)
  return 0
}

/** An action that writes another ring. */
function change(build: (ring: KeyRing, task: Task) => Promise<KeyRing>) {
  return async (task: Task): Promise<number> => {
    const ring = await build(await read(task.file), task)
    await replace(task.file, ring)
    tell(ring, task)
    return 0
  }
}

function tell(ring: KeyRing, task: Task): void {
  const waiting = ring.keys.filter(({ isNext }) => isNext).length
  const counts = [
    countKeys(ring.keys, 'server key'),
    ...(waiting ? ['one of them waiting'] : []),
    ...(ring.clientKeys.length ? [countKeys(ring.clientKeys, 'client key')] : []),
  ]
  // To be pasted as it is.
  const file = task.file === DEFAULT_FILE ? '' : ` --file ${task.file}`
  const step = describeNextStep(ring, task, action => `fhirstorm keys ${action}${file}`)
  print(`${task.file}: ${counts.join(', ')}\nnext: ${step}\n`)
}

function countKeys({ length }: readonly unknown[], name: string): string {
  return `${length} ${name}${length === 1 ? '' : 's'}`
}

async function epoch({ file }: Task): Promise<number> {
  const ring = beginEpoch(await read(file))
  await replace(file, ring)
  print(`${file}: epoch ${ring.epoch}; restart every process: what was begun before is over\n`)
  return 0
}

async function exportKeys({ file }: Task): Promise<number> {
  const { clientKeys } = await read(file)
  const parsed = await parseClientKeys(JSON.stringify({ keys: clientKeys }))
  print(`${JSON.stringify(buildPublicKeySet(parsed), null, 2)}\n`)
  return 0
}

/** A fresh private key for private_key_jwt, as a JWK. */
export async function makeClientKey(alg: Alg): Promise<object> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 3072 })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' }
}

/** Whoever could read the ring can still: with another user's rights the service would not start again. */
async function replace(file: string, ring: KeyRing): Promise<void> {
  const { uid, gid, mode } = await stat(file)
  const fresh = `${file}.new`
  await writeFile(fresh, printKeyRing(ring), { mode: 0o600 })
  try {
    await chown(fresh, uid, gid)
    await chmod(fresh, mode & 0o640)
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

async function read(file: string): Promise<KeyRing> {
  return parseKeyRing(await readNamedFile(file, 'secret'))
}

/** Our own words, or the system's code: a message of Node's repeats the path in its own way. */
function describe(error: unknown, file: string): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EEXIST') return `${file} is there already, and is never overwritten`
  if (code === 'ENOENT') return `${file} is not there: fhirstorm keys make --file FILE makes one`
  if (code !== undefined) return `${file} cannot be used (${code})`
  return `${file}: ${error instanceof Error ? error.message : 'failed'}`
}
