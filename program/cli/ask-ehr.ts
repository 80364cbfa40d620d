// Asking an EHR, before it is registered, how it authorizes: over the same guarded network as a launch.

import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createEgress, type Egress } from '../../src/network/egress.ts'
import { type Survey, surveyEhr } from '../../src/smart/survey/survey.ts'
import type { NetworkPolicy } from '../../src/smart/types.ts'
import { resolveProxy } from '../config/outbound-proxy.ts'

export interface AskedEhr {
  /** FHIR base, as `parseFhirBase` gives it. */
  iss: string
  reach: NetworkPolicy['reach']
  /** PEM of a private CA. */
  caFile: string | undefined
}

/** What the EHR says, or undefined where the CA is no readable certificate of one. */
export async function askEhr({ iss, reach, caFile }: AskedEhr): Promise<Survey | undefined> {
  const network = await readNetwork({ iss, reach, caFile })
  if (network === undefined) return undefined
  const egresses: Egress[] = []
  try {
    const survey = await surveyEhr(iss, {
      network,
      now: Date.now,
      open: registration => {
        const egress = createEgress(registration)
        egresses.push(egress)
        return egress.fetch
      },
    })
    return { ...survey, network: { reach, caFile } }
  } finally {
    await Promise.all(egresses.map(egress => egress.close()))
  }
}

async function readNetwork({ iss, reach, caFile }: AskedEhr): Promise<NetworkPolicy | undefined> {
  const proxy = resolveProxy(iss, process.env)
  if (caFile === undefined) return { reach, proxy }
  try {
    const ca = await readFile(caFile, 'utf8')
    return new X509Certificate(ca).ca ? { reach, ca, proxy } : undefined
  } catch {
    return undefined
  }
}
