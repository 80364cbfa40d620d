// The public listener's own TLS, as the configuration names it.

import { createSecureContext } from 'node:tls'
import { type DocumentContext, readText } from './files.ts'
import type { ConfigDocument } from './schema.ts'

/** PEM texts. */
export interface TlsConfig {
  cert: string
  key: string
}

/** Certificate and key with which a listener speaks TLS; undefined where it does not, or after a reported fault. */
export async function loadTls(
  tls: ConfigDocument['listen']['tls'],
  context: DocumentContext,
): Promise<TlsConfig | undefined> {
  if (!tls) return undefined
  const place = ['listen', 'tls']
  const cert = await readText(tls.certFile, [...place, 'certFile'], 'public', context)
  const key = await readText(tls.keyFile, [...place, 'keyFile'], 'secret', context)
  if (cert === undefined || key === undefined) return undefined
  try {
    createSecureContext({ cert, key })
  } catch {
    context.report(place, 'the certificate and the key cannot be used together')
  }
  return { cert, key }
}
