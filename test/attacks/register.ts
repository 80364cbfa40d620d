// What an operator adds to a configuration for the time of the attack: one registration for each hostile
// EHR. It needs a deployment of its own, or one without patients: what is registered here is hostile.

import { stringify } from 'yaml'
import type { SuiteConfig } from './config.ts'
import { listDescriptions, listKeySets } from './ehr/descriptions.ts'

/** Whose name never resolves (RFC 6761). */
export const NOWHERE = { id: 'attack-nowhere', iss: 'https://attack-ehr.invalid/fhir' }

/** The registrations, as members of `ehrs`. */
export function buildRegistrations({ ehrs, client }: SuiteConfig): Record<string, unknown>[] {
  const names = ['a', 'b']
  names.push(
    ...Object.keys(listDescriptions({ ...ehrs, evil: '' })),
    ...Object.keys(listKeySets('')),
  )
  // Each its own: as text they must not become references.
  const common = (name: string) => ({
    clientId: `${client.id}-${name}`,
    clientAuth: { method: 'client_secret_basic', secret: client.secret },
    scope: 'launch openid fhirUser offline_access patient/*.cruds',
  })
  return [
    ...names.map(name => ({
      ...{ id: `attack-${name}`, name: `Attack suite: ${name}`, iss: `${ehrs.url}/${name}/fhir` },
      ...common(name),
      ...{ issuers: [`${ehrs.url}/${name}`], origins: [ehrs.url] },
      ...(ehrs.url.startsWith('https:') && { network: 'private' }),
    })),
    { ...NOWHERE, name: 'Attack suite: nowhere', ...common('nowhere') },
  ]
}

/** The same as text, for fhirstorm.yaml: a line for each. */
export function printRegistrations(config: SuiteConfig): string {
  const format = { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true } as const
  const lines = buildRegistrations(config).map(each => `  - ${stringify(each, format)}`)
  return `ehrs:\n${lines.join('')}`
}
