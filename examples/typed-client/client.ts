// A client that is typed by the contract alone: paths, parameters, answers and refusals.

import createClient from 'openapi-fetch'
import type { components, paths } from './contract.d.ts'

export type Session = components['schemas']['Session']
export type FaultCode = components['schemas']['FaultCode']

/** Calls fhirstorm at `baseUrl`; `fetch` is the browser's unless told. */
export function connect(baseUrl: string, fetch?: (request: Request) => Promise<Response>) {
  return createClient<paths>({
    baseUrl,
    fetch,
    credentials: 'include',
    // FHIR's search parameters: each value of a list is a parameter of its own.
    querySerializer(query) {
      const { search = {}, ...rest } = query as { search?: object }
      const written = new URLSearchParams()
      for (const [name, value] of Object.entries({ ...rest, ...search })) {
        for (const one of [value].flat()) written.append(name, String(one))
      }
      return written.toString()
    },
  })
}

/** What is wrong, in a switch that the compiler knows to the end. */
export function describe(code: FaultCode): string {
  switch (code) {
    case 'session_invalid':
    case 'session_expired':
      return 'Please log in again.'
    case 'upstream_unauthorized':
      return 'The EHR does not accept this request.'
    case 'vault_unavailable':
      return 'Please try again in a moment.'
    default:
      return `This did not work (${code}).`
  }
}
