// The keys by which a client proves itself: of a file, of the key ring, or elsewhere, with their public half in a file
// and a signer for the other.

import type { KeyRing } from '../../src/keys.ts'
import { signByProgram } from '../../src/signer/program.ts'
import { signByService } from '../../src/signer/service.ts'
import { createSigner } from '../../src/signer/signer.ts'
import { parseClientKeys } from '../../src/smart/token/client-keys.ts'
import { type AskSigner, parseRemoteKeys } from '../../src/smart/token/remote-keys.ts'
import type { ClientAuthentication, ClientKey } from '../../src/smart/types.ts'
import { findSignerFault, type SignerDocument } from './client-auth-schema.ts'
import { readClientKeyText, readPublicKeyText } from './client-key-text.ts'
import type { Environment } from './environment.ts'
import { type DocumentContext, readText } from './files.ts'

export interface ClientKeysDocument {
  alg?: 'RS384' | 'ES384'
  keyFile?: string
  publicKeyFile?: string
  signer?: SignerDocument
}

type Context = DocumentContext & { keyRing: KeyRing | undefined }

/** The keys by which a client proves itself; undefined after a reported fault. */
export async function loadClientKeys(
  document: ClientKeysDocument,
  place: readonly PropertyKey[],
  context: Context,
): Promise<Extract<ClientAuthentication, { method: 'private_key_jwt' }> | undefined> {
  const fault = findFault(document)
  if (fault !== undefined) {
    context.report(place, fault)
    return undefined
  }
  const { alg, signer } = document
  try {
    const keys = signer
      ? await loadRemoteKeys(document, createAsk(signer, context.env), place, context)
      : await loadOwnKeys(document, place, context)
    if (keys === undefined) return undefined
    if (keys.length === 0) throw new Error('there is no client key: give keyFile, or make one')
    return { method: 'private_key_jwt', keys, alg }
  } catch (error) {
    context.report(place, error instanceof Error ? error.message : 'not a private key')
    return undefined
  }
}

function findFault({ keyFile, publicKeyFile, signer }: ClientKeysDocument): string | undefined {
  if ((publicKeyFile === undefined) !== (signer === undefined)) {
    return 'a key that is elsewhere needs both, publicKeyFile and signer'
  }
  if (keyFile !== undefined && signer) return 'give one of keyFile and signer'
  return signer && findSignerFault(signer)
}

async function loadOwnKeys(
  { keyFile }: ClientKeysDocument,
  place: readonly PropertyKey[],
  context: Context,
): Promise<ClientKey[] | undefined> {
  if (keyFile === undefined) {
    return await parseClientKeys(JSON.stringify({ keys: context.keyRing?.clientKeys ?? [] }))
  }
  const text = await readText(keyFile, [...place, 'keyFile'], 'secret', context)
  return text === undefined ? undefined : await parseClientKeys(readClientKeyText(text))
}

async function loadRemoteKeys(
  { publicKeyFile }: ClientKeysDocument,
  ask: AskSigner,
  place: readonly PropertyKey[],
  context: Context,
): Promise<ClientKey[] | undefined> {
  const text = await readText(publicKeyFile, [...place, 'publicKeyFile'], 'public', context)
  return text === undefined ? undefined : await parseRemoteKeys(readPublicKeyText(text), ask)
}

/** A program gets no more of our environment than where programs are, and what it is said to need. */
function createAsk({ command, environment, url = '', socket }: SignerDocument, env: Environment) {
  if (command === undefined) return createSigner(signByService({ url, socket }))
  const names = ['PATH', ...environment]
  const given = Object.fromEntries(names.map(name => [name, env[name]]))
  return createSigner(signByProgram({ command, env: given }))
}
