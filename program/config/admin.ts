// The listeners beside the public one, as the configuration names them: on loopback or a socket, or with a
// token that is one.

import { isLoopbackHost } from '../../src/smart/issuer.ts'
import { findTokenWeakness } from '../../src/strength.ts'
import { type DocumentContext, readText } from './files.ts'
import type { ConfigDocument } from './schema.ts'

export type AdminConfig = false | { host: string; port: number; token?: string }

/** The listener with its token read; faults are reported. */
export async function loadAdmin(
  admin: ConfigDocument['admin'],
  context: DocumentContext,
): Promise<AdminConfig> {
  return admin === false ? false : await loadListener('admin', admin, context)
}

export type InternalConfig =
  | { socket: string }
  | { host: string; port: number; token?: string }
  | undefined

/** The internal listener with its token read; faults are reported. */
export async function loadInternal(
  internal: ConfigDocument['internal'],
  context: DocumentContext,
): Promise<InternalConfig> {
  if (internal === undefined || 'socket' in internal) return internal
  return await loadListener('internal', internal, context)
}

async function loadListener(
  name: 'admin' | 'internal',
  { tokenFile, host, port }: { host: string; port: number; tokenFile?: string },
  context: DocumentContext,
): Promise<{ host: string; port: number; token?: string }> {
  const place = [name, 'tokenFile']
  const token = (await readText(tokenFile, place, 'secret', context))?.trim()
  if (tokenFile === undefined && !isLoopbackHost(host)) {
    context.report([name], `beyond loopback the ${name} listener needs a tokenFile`)
  }
  const weakness = token === undefined ? undefined : judgeToken(token)
  if (weakness !== undefined) context.report(place, weakness)
  return { host, port, token }
}

function judgeToken(token: string): string | undefined {
  if (token === '') return 'the token is empty'
  const weakness = findTokenWeakness(token)
  return weakness && `the token can be guessed (${weakness}): openssl rand -base64 32`
}
