// `fhirstorm audit verify PATH`: whether the audit files are whole, and by the public keys that `fhirstorm audit
// keys` prints, whether they were sealed by this service. Status 0: whole; 1: not, or nothing is there; 2: wrong
// usage.

import { basename, dirname } from 'node:path'
import type { Head, Reason } from '../../src/audit/chain.ts'
import { deriveSealKeys } from '../../src/audit/seal-keys.ts'
import { createSealJudge, type JudgeSeal, parseSealKeys } from '../../src/audit/seals.ts'
import { type Verdict, verifyChains } from '../../src/audit/verify.ts'
import { describeError } from '../../src/error-description.ts'
import { parseKeyRing } from '../../src/keys.ts'
import { buildSigningKeySet } from '../../src/signing-keys.ts'
import { FileRefusal } from '../config/files.ts'
import { readCommandLine, refuse } from './command-line.ts'
import { readNamedFile } from './named-file.ts'
import { complain, print } from './terminal.ts'

const grammar = {
  name: 'fhirstorm audit',
  words: 2,
  options: {
    keys: { type: 'string' },
    head: { type: 'string' },
    json: { type: 'boolean' },
    file: { type: 'string', default: 'fhirstorm-keys.json' },
  },
  usage: `usage: fhirstorm audit verify PATH [--keys FILE] [--head LINE:HASH] [--json]
       fhirstorm audit keys [--file RING]

  verify PATH  whether the lines of PATH, of the files put aside beside it (PATH.NUMBER) and of further
               processes (audit.1.ndjson …) are whole up to their noted ends (PATH.head)
  keys         prints the public keys that verify, as a JWK set

  --keys FILE       a key set or the key ring: whether this service sealed them; without it, whether
                    they are whole
  --head LINE:HASH  an end that the log told: whether it is still there
  --json            prints JSON, whatever is found
  --file RING       the key ring; ./fhirstorm-keys.json unless told
`,
} as const

const REASONS: Readonly<Record<Reason, string>> = {
  unreadable: 'is no audit line',
  changed: 'was changed',
  missing: 'or more before it are missing',
  out_of_order: 'does not follow the line before it',
  cut_off: 'and what came after it are missing',
  unsealed: 'and what comes after it were never acknowledged, or put in',
  forged: 'or its seal is not what was recorded',
  unknown_key: 'was sealed with another key than those given',
  end_unknown: 'may not be the first, or the last: there is no noted end',
}

/** Verifies audit files, or prints the keys to do so; gives the exit status. */
export async function audit(args: string[]): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const [action, path] = line.words
  const { keys, head, json, file } = line.values
  if (action === 'keys' && path === undefined) return await printKeys(String(file))
  if (action !== 'verify') return refuse(grammar, 'what to do is verify or keys')
  if (path === undefined) return refuse(grammar, 'verify needs a PATH')
  const known = head === undefined ? undefined : parseHead(String(head))
  if (known === 'unreadable') return refuse(grammar, '--head is LINE:HASH, as the log tells it')
  const judge = keys === undefined ? undefined : await readKeys(String(keys))
  if (typeof judge === 'string') return refuse(grammar, `--keys: ${judge}`)
  const verdicts = await verify(path, { judge, known })
  if (typeof verdicts === 'string') {
    if (json) printJson({ ok: false, error: verdicts, chains: [] })
    else complain(`fhirstorm: ${verdicts}\n`)
    return 1
  }
  const isWhole = verdicts.every(({ fault }) => fault === undefined)
  if (json) printJson({ ok: isWhole, seals: judge ? 'judged' : 'not judged', chains: verdicts })
  else for (const verdict of verdicts) tell(verdict, judge !== undefined)
  return isWhole ? 0 : 1
}

async function verify(
  path: string,
  options: Parameters<typeof verifyChains>[1],
): Promise<Verdict[] | string> {
  try {
    const verdicts = await verifyChains(path, options)
    return verdicts.some(({ to, fault }) => to > 0 || fault) ? verdicts : 'there are no audit lines'
  } catch (error) {
    const { code } = describeError(error)
    if (code === undefined) throw error
    return code === 'ENOENT'
      ? `${dirname(path)} is not there`
      : `the files cannot be read (${code})`
  }
}

function tell({ file, from, to, events, hash, fault }: Verdict, isJudged: boolean): void {
  if (fault) complain(`fhirstorm: ${file}: line ${fault.line} ${REASONS[fault.reason]}\n`)
  else {
    const seals = isJudged ? 'sealed by these keys' : 'seals not judged (--keys)'
    print(
      `${file}: ${events} events in lines ${from} to ${to}, whole, ${seals}; end ${to}:${hash}\n`,
    )
  }
}

async function printKeys(file: string): Promise<number> {
  try {
    const ring = parseKeyRing(await readNamedFile(file, 'secret'))
    printJson(buildSigningKeySet(deriveSealKeys(ring)))
    return 0
  } catch (error) {
    complain(`fhirstorm audit keys: ${file}: ${describe(error)}\n`)
    return 1
  }
}

/** A key set, or a key ring; in words why it is neither. */
async function readKeys(file: string): Promise<JudgeSeal | string> {
  try {
    const text = await readNamedFile(file, 'public')
    const isRing = /"version"\s*:/.test(text)
    return createSealJudge(
      isRing ? buildSigningKeySet(deriveSealKeys(parseKeyRing(text))).keys : parseSealKeys(text),
    )
  } catch (error) {
    return `${basename(file)}: ${describe(error)}`
  }
}

function describe(error: unknown): string {
  const { code } = describeError(error)
  if (code !== undefined) return `cannot be read (${code})`
  return error instanceof FileRefusal || error instanceof Error ? error.message : 'cannot be read'
}

function parseHead(text: string): Head | 'unreadable' {
  const [, count, hash = ''] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  return count === undefined ? 'unreadable' : { count: Number(count), hash }
}

function printJson(document: object): void {
  print(`${JSON.stringify(document, null, 2)}\n`)
}
