// What a start would meet where audit events go: files that cannot be written, and a server that no connection
// may be made to. Nothing is made, and nobody is asked.

import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { allows, bareHost, isReachable } from '../../src/network/address.ts'
import { reachOf } from '../../src/network/connect.ts'
import { classifyName } from '../../src/network/local-names.ts'
import type { AuditConfig, AuditServer } from '../config/audit.ts'
import { type Finding, judgeFolder } from './surroundings.ts'

/** What is found of the sink; nothing where events go nowhere. */
export async function judgeAudit(audit: AuditConfig | undefined): Promise<Finding[]> {
  if (audit === undefined || audit.sink === 'stdout') return []
  const findings = await judgeFile(audit.path)
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
