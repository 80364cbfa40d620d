// One entry under `ehrs`: presets laid beneath it, its files read, and the typed registration that
// the flow works with. Reports what is wrong by place; secrets come from files or the environment.

import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { KeyRing } from '../../src/keys.ts'
import { isRecord } from '../../src/smart/json.ts'
import { applyPreset, isPresetName } from '../../src/smart/presets.ts'
import { resolveQuirks } from '../../src/smart/quirks.ts'
import { chooseRedirectPath } from '../../src/smart/redirect-uri.ts'
import { listScopeFaults } from '../../src/smart/scope/scope-lint.ts'
import type { ClientAuthentication, NetworkPolicy, Registration } from '../../src/smart/types.ts'
import { loadClientKeys } from './client-keys.ts'
import { type DocumentContext, readText } from './files.ts'
import { resolveProxy } from './outbound-proxy.ts'
import type { EhrDocument } from './schema.ts'

export interface RegistrationContext extends DocumentContext {
  publicUrl: string
  keyRing: KeyRing | undefined
  /** How many EHRs there are. */
  ehrs: number
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The document with each EHR's preset laid beneath its own settings, ready for the schema. */
export function applyPresets(document: unknown): unknown {
  if (!isRecord(document)) return document
  const { ehrs } = document
  if (!Array.isArray(ehrs)) return document
  return {
    ...document,
    ehrs: ehrs.map((ehr: unknown) => {
      return isRecord(ehr) && isPresetName(ehr.preset) ? applyPreset(ehr.preset, ehr) : ehr
    }),
  }
}

/** The registration that one checked entry describes; undefined after a reported fault. */
export async function loadRegistration(
  ehr: EhrDocument,
  place: readonly PropertyKey[],
  context: RegistrationContext,
): Promise<Registration | undefined> {
  for (const fault of listScopeFaults(ehr.scope)) context.report([...place, 'scope'], fault)
  if (ehr.idToken === 'require' && !ehr.scope.split(' ').includes('openid')) {
    context.report([...place, 'idToken'], 'an id_token needs the scope openid')
  }
  const clientAuth = await loadClientAuth(ehr, [...place, 'clientAuth'], context)
  const network = await loadNetwork(ehr, place, context)
  if (!clientAuth || !network) return undefined
  const { preset: _preset, redirectPath, network: _reach, ...settings } = ehr
  const { caFile: _ca, clientCertificate: _certificate, proxy: _proxy, ...rest } = settings
  return {
    ...rest,
    clientAuth,
    network,
    origins: [...new Set([new URL(ehr.iss).origin, ...ehr.origins])],
    redirectUri: context.publicUrl + (redirectPath ?? chooseRedirectPath(ehr.id, context.ehrs)),
    quirks: resolveQuirks(ehr.quirks),
  }
}

async function loadClientAuth(
  { clientAuth }: EhrDocument,
  place: readonly PropertyKey[],
  context: RegistrationContext,
): Promise<ClientAuthentication | undefined> {
  if (clientAuth.method === 'private_key_jwt') {
    return await loadClientKeys(clientAuth, place, context)
  }
  const { method, secret, secretFile } = clientAuth
  if ((secret === undefined) === (secretFile === undefined)) {
    context.report(place, 'give exactly one of secret and secretFile')
    return undefined
  }
  const found =
    secret ?? (await readText(secretFile, [...place, 'secretFile'], 'secret', context))?.trim()
  if (found === '') context.report(place, 'the secret is empty')
  return found ? { method, secret: found } : undefined
}

type NetworkDocument = Pick<
  EhrDocument,
  'iss' | 'network' | 'caFile' | 'clientCertificate' | 'proxy'
>

/** How a server is connected to; undefined after a reported fault. */
export async function loadNetwork(
  ehr: NetworkDocument,
  place: readonly PropertyKey[],
  context: DocumentContext,
): Promise<NetworkPolicy | undefined> {
  const certificate = ehr.clientCertificate
  const pair = [...place, 'clientCertificate']
  const files = {
    ca: await readText(ehr.caFile, [...place, 'caFile'], 'public', context),
    cert: await readText(certificate?.certFile, [...pair, 'certFile'], 'public', context),
    key: await readText(certificate?.keyFile, [...pair, 'keyFile'], 'secret', context),
  }
  if (ehr.caFile !== undefined && files.ca === undefined) return undefined
  if (certificate && (files.cert === undefined || files.key === undefined)) return undefined
  if (!isUsable(files)) {
    const named = ehr.caFile === undefined ? 'clientCertificate' : 'caFile'
    context.report([...place, named], 'the certificates or the key cannot be used')
    return undefined
  }
  const { ca, cert, key } = files
  return {
    reach: ehr.network,
    ca,
    clientCertificate: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    proxy: loadProxy(ehr, place, context),
  }
}

function isUsable(files: { ca?: string; cert?: string; key?: string }): boolean {
  try {
    createSecureContext(files)
    if (files.ca === undefined) return true
    const certificates = files.ca.match(CERTIFICATE) ?? []
    return certificates.every(text => new X509Certificate(text)) && certificates.length > 0
  } catch {
    return false
  }
}

function loadProxy(
  { iss, proxy }: NetworkDocument,
  place: readonly PropertyKey[],
  { env, report }: DocumentContext,
): string | undefined {
  const found = proxy ?? resolveProxy(iss, env)
  if (found === undefined || (URL.canParse(found) && new URL(found).protocol === 'http:')) {
    return found
  }
  report([...place, 'proxy'], 'the outbound proxy must be an http:// address (proxy, HTTPS_PROXY)')
  return undefined
}
