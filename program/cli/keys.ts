// `fhirstorm keys make|rotate|epoch|export`: the key ring file (mode 0600), and the public client keys
// for an EHR that cannot fetch them. Existing files are never overwritten by `make`; `rotate` and `epoch`
// write a new file beside the old one and move it into place.

import { randomBytes } from 'node:crypto'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  beginEpoch,
  type KeyRing,
  makeKeyRing,
  parseKeyRing,
  printKeyRing,
  rotateClientKeys,
  rotateKeyRing,
} from '../../src/keys.ts'
import { buildPublicKeySet, parseClientKeys } from '../../src/smart/token/client-keys.ts'
import { readNamedFile } from './named-file.ts'
import { complain, print } from './terminal.ts'

const USAGE =
  'usage: fhirstorm keys make|rotate|epoch|export [--file FILE] [--keep-hours HOURS] [--client-alg ES384|RS384]\n'
const DEFAULT_FILE = 'fhirstorm-keys.json'
/** The longest absolute limit a session can be configured to. */
const DEFAULT_KEEP_HOURS = 168

/** Runs the command and returns its exit status. */
export async function keys(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      file: { type: 'string', default: DEFAULT_FILE },
      'keep-hours': { type: 'string', default: String(DEFAULT_KEEP_HOURS) },
      'client-alg': { type: 'string' },
    },
  })
  const [action = ''] = positionals
  const alg = values['client-alg']
  if (alg !== undefined && alg !== 'ES384' && alg !== 'RS384') return fail(USAGE, 2)
  try {
    if (action === 'make') return await make(values.file, alg)
    if (action === 'rotate') return await rotate(values.file, Number(values['keep-hours']), alg)
    if (action === 'epoch') return await startEpoch(values.file)
    if (action === 'export') return await exportKeys(values.file)
  } catch (error) {
    return fail(`fhirstorm: ${error instanceof Error ? error.message : 'failed'}\n`, 1)
  }
  return fail(USAGE, 2)
}

async function make(file: string, alg: 'ES384' | 'RS384' | undefined): Promise<number> {
  const ring = makeKeyRing(Date.now(), randomBytes)
  const clientKeys = alg ? [await makeClientKey(alg)] : []
  await writeFile(file, printKeyRing({ ...ring, clientKeys }), { mode: 0o600, flag: 'wx' })
  print(`${file}: one server key${alg ? ` and one ${alg} client key` : ''}\n`)
  return 0
}

async function rotate(
  file: string,
  keepHours: number,
  alg: 'ES384' | 'RS384' | undefined,
): Promise<number> {
  if (!(keepHours > 0)) return fail(USAGE, 2)
  const ring = await read(file)
  const keepMs = keepHours * 3_600_000
  const rotated = rotateKeyRing(ring, { now: Date.now(), keepMs, randomBytes })
  const clientKeys = alg
    ? rotateClientKeys(ring.clientKeys, await makeClientKey(alg))
    : ring.clientKeys
  await replace(file, { ...rotated, clientKeys })
  print(`${file}: ${rotated.keys.length} server keys; restart to use the new one\n`)
  return 0
}

async function startEpoch(file: string): Promise<number> {
  const ring = beginEpoch(await read(file))
  await replace(file, ring)
  print(`${file}: epoch ${ring.epoch}; restart every process: what was begun before is over\n`)
  return 0
}

async function exportKeys(file: string): Promise<number> {
  const { clientKeys } = await read(file)
  const parsed = await parseClientKeys(JSON.stringify({ keys: clientKeys }))
  print(`${JSON.stringify(buildPublicKeySet(parsed), null, 2)}\n`)
  return 0
}

async function makeClientKey(alg: 'ES384' | 'RS384'): Promise<object> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 3072 })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' }
}

async function replace(file: string, ring: KeyRing): Promise<void> {
  const fresh = `${file}.new`
  await writeFile(fresh, printKeyRing(ring), { mode: 0o600 })
  await chmod(fresh, 0o600)
  await rename(fresh, file)
}

async function read(file: string): Promise<KeyRing> {
  return parseKeyRing(await readNamedFile(file, 'secret'))
}

function fail(message: string, status: number): number {
  complain(message)
  return status
}
