// The request that a proxy asks about by forward authentication: nginx auth_request, Caddy forward_auth, Traefik
// forwardAuth, Envoy ext_authz. Method and address come from the proxy, everything else is the browser's own.
// What does not say its method is refused: taken for a GET it would pass the guard. Pure: no I/O.

import { BrokerError } from '../errors.ts'
import { readForm, readQuery } from '../form.ts'

export interface OriginalRequest {
  method: string
  /** Session id that the request names; undefined where it names none. */
  session?: string
  /** Id of the API that the proxy stands before. */
  api?: string
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

const METHOD = /^[A-Z]{1,16}$/
const SESSION = /^[A-Za-z0-9_-]{22}$/
const API = /^[a-z0-9][a-z0-9-]{0,31}$/
/** Envoy sends the request itself, with a path of ours before its own. */
const ENVOY = /^\/verify\/([a-z0-9-]+)(\/.*)$/

/**
 * Reads what a proxy says of the request it asks about. Refuses with `bad_request` where the method is
 * missing, or where two headers say different things.
 */
export function readOriginalRequest(
  method: string,
  target: string,
  headers: Headers,
): OriginalRequest {
  const [, envoyApi, envoyTarget] = target.startsWith('/verify/') ? (ENVOY.exec(target) ?? []) : []
  const isEnvoy = envoyApi !== undefined
  const asked = isEnvoy
    ? method
    : readOne(headers['x-original-method'], headers['x-forwarded-method'])
  if (asked === undefined || !METHOD.test(asked)) {
    throw new BrokerError('bad_request', { detail: 'no X-Original-Method' })
  }
  const address = isEnvoy
    ? envoyTarget
    : readOne(headers['x-original-uri'], headers['x-forwarded-uri'])
  return {
    method: asked,
    session: readSession(headers['fhirstorm-session'], address),
    api: isEnvoy ? envoyApi : readParameter(target, 'api', API),
  }
}

/** The header is the browser's own word, and so is the address: one of them may say it. */
function readSession(header: string | string[] | undefined, address = ''): string | undefined {
  if (header === undefined) return readParameter(address, 'session', SESSION)
  if (typeof header !== 'string' || !SESSION.test(header)) throw new BrokerError('session_invalid')
  return header
}

function readParameter(target: string, name: string, grammar: RegExp): string | undefined {
  if (!target.includes('?')) return undefined
  for (const [found, value] of readForm(readQuery(target))) {
    if (found === name && grammar.test(value)) return value
  }
  return undefined
}

function readOne(
  one: string | string[] | undefined,
  other: string | string[] | undefined,
): string | undefined {
  if (other !== undefined && one !== undefined && one !== other) throw contradiction()
  const value = one ?? other
  if (typeof value === 'object') throw contradiction()
  return value
}

function contradiction(): BrokerError {
  return new BrokerError('bad_request', { detail: 'two words about the original request' })
}
