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
  if (admin === false) return false
  const { tokenFile, ...address } = admin
  const place = ['admin', 'tokenFile']
  const token = (await readText(tokenFile, place, 'secret', context))?.trim()
  if (tokenFile === undefined && !isLoopbackHost(admin.host)) {
    context.report(['admin'], 'beyond loopback the admin listener needs a tokenFile')
  }
  const weakness = token === undefined ? undefined : judgeToken(token)
  if (weakness !== undefined) context.report(place, weakness)
  return { ...address, token }
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
  const { tokenFile, ...address } = internal
  const place = ['internal', 'tokenFile']
  const token = (await readText(tokenFile, place, 'secret', context))?.trim()
  if (tokenFile === undefined && !isLoopbackHost(internal.host)) {
    context.report(['internal'], 'beyond loopback the internal listener needs a tokenFile')
  }
  const weakness = token === undefined ? undefined : judgeToken(token)
  if (weakness !== undefined) context.report(place, weakness)
  return { ...address, token }
}

function judgeToken(token: string): string | undefined {
  if (token === '') return 'the token is empty'
  const weakness = findTokenWeakness(token)
  return weakness && `the token can be guessed (${weakness}): openssl rand -base64 32`
}
