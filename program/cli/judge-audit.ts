// What a start would meet where audit events go: files that cannot be written or are broken, and a server that no
// connection may be made to. Nothing is made, and nobody is asked.

import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { chainPath, countChains } from '../../src/audit/chain-files.ts'
import { judgeChain } from '../../src/audit/open-chain.ts'
import { AuditRefusal } from '../../src/audit/refusal.ts'
import { deriveSealKeys } from '../../src/audit/seal-keys.ts'
import { createSealJudge, type JudgeSeal } from '../../src/audit/seals.ts'
import { allows, bareHost, isReachable } from '../../src/network/address.ts'
import { reachOf } from '../../src/network/connect.ts'
import { classifyName } from '../../src/network/local-names.ts'
import { buildSigningKeySet } from '../../src/signing-keys.ts'
import type { AuditServer } from '../config/audit.ts'
import type { Config } from '../config/load.ts'
import { type Finding, judgeFolder } from './surroundings.ts'

const PAUSE_MS = 250

/** What is found of the sink; nothing where events go nowhere. */
export async function judgeAudit({
  audit,
  keyRing,
}: Pick<Partial<Config>, 'audit' | 'keyRing'>): Promise<Finding[]> {
  if (audit === undefined || audit.sink === 'stdout') return []
  const findings = await judgeFile(audit.path)
  // Without the keys nobody can say whether they are sealed.
  if (keyRing && findings.length === 0) findings.push(...(await judgeChains(audit.path, keyRing)))
  return audit.sink === 'fhir' ? [...findings, ...judgeServer(audit)] : findings
}

async function judgeFile(path: string): Promise<Finding[]> {
  const setting = 'audit.path'
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return await judgeFolder(setting, path)
  if (!found.isFile()) return [{ kind: 'fault', setting, message: `${path} is no file` }]
  const isWritable = await access(path, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
  return isWritable ? [] : [{ kind: 'fault', setting, message: `${path} cannot be written` }]
}

/** Every chain as a start would judge it; once more where it is broken, because a service may write it. */
async function judgeChains(path: string, keyRing: Config['keyRing']): Promise<Finding[]> {
  const judge = createSealJudge(buildSigningKeySet(deriveSealKeys(keyRing)).keys)
  const chains = await countChains(path).catch(() => 0)
  const findings: Finding[] = []
  for (let number = 0; number < chains; number++) {
    const own = chainPath(path, number)
    if (await isSound(own, judge)) continue
    await wait(PAUSE_MS)
    if (await isSound(own, judge)) continue
    const message = `${own} is broken, or sealed with another key: fhirstorm audit verify says more`
    findings.push({ kind: 'fault', setting: 'audit.path', message })
  }
  return findings
}

async function isSound(path: string, judge: JudgeSeal): Promise<boolean> {
  try {
    await judgeChain(path, judge)
    return true
  } catch (error) {
    if (error instanceof AuditRefusal) return false
    throw error
  }
}

function judgeServer({ url, network }: AuditServer): Finding[] {
  const host = bareHost(new URL(url).hostname)
  const reach = reachOf({ iss: url, network })
  const mayBeReached =
    isIP(host) === 0 ? allows(reach, classifyName(host, hostname())) : isReachable(host, reach)
  if (mayBeReached) return []
  const message =
    network.reach === 'private'
      ? 'its address is of this machine, link-local or of a metadata service'
      : 'its address is private or of this machine; network: private lets us there'
  return [{ kind: 'fault', setting: 'audit.url', message }]
}
