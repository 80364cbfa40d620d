// The parameters of an app's requests, each of which may come once (RFC 6749 3.1, 3.2). Pure: no I/O.

import { readForm } from '../form.ts'

const KNOWN = new Set([
  ...['response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'aud', 'launch', 'nonce'],
  ...['code_challenge', 'code_challenge_method', 'grant_type', 'code', 'code_verifier'],
])

/** The parameters that mean something here, and whether one of them came twice. */
export function readOnce(text: string): {
  values: ReadonlyMap<string, string>
  isRepeated: boolean
} {
  const values = new Map<string, string>()
  let isRepeated = false
  for (const [name, value] of readForm(text)) {
    if (!KNOWN.has(name)) continue
    isRepeated ||= values.has(name)
    values.set(name, value)
  }
  return { values, isRepeated }
}
