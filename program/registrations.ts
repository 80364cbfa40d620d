// What all registrations of a configuration come to together. Pure: no I/O, no clock.

import type { Registration } from '../src/smart/types.ts'

/** The keys of every client that proves itself by one. */
export function listClientKeys(registrations: readonly Registration[]) {
  return registrations.flatMap(({ clientAuth }) =>
    clientAuth.method === 'private_key_jwt' ? clientAuth.keys : [],
  )
}

/** The FHIR bases that become ours in what the browser reads, by registration id. */
export function listRewrittenBases(registrations: readonly Registration[]) {
  const rewritten = registrations.filter(({ rewrite }) => rewrite)
  return new Map(rewritten.map(({ id, iss, baseAliases }) => [id, [iss, ...baseAliases]]))
}
