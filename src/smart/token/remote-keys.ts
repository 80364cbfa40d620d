// Client keys of which only the public half is here: each signature is made elsewhere (an HSM, a key service), and
// judged before an EHR sees it. The signer is passed in, and waited for no longer than a token call can bear. No I/O.

import { exportJWK, importJWK, type JWK } from 'jose'
import { BrokerError } from '../../errors.ts'
import { within } from '../../patience.ts'
import type { ClientKey } from '../types.ts'
import {
  chooseAlg,
  describePublicKey,
  listJwks,
  nameKey,
  refuseSameNames,
  refuseWeakKey,
} from './public-jwk.ts'
import { readSignature, verifies } from './signature.ts'

/** Half of a token call's own deadline: a renewal is sent while its lease lasts one and a half of them. */
export const SIGNED_MS = 5_000

/**
 * Has the bytes signed by the key of this name and algorithm: the signature as JWS has it or in DER, as bytes or in
 * base64. Rejects with `signer_unavailable`; what comes after five seconds is as none.
 */
export type AskSigner = (
  input: Uint8Array,
  key: Pick<ClientKey, 'kid' | 'alg'>,
) => Promise<Uint8Array>

/**
 * The public keys in a JWK set or a single JWK, each signing by `ask`. Throws an Error fit for an operator, also for a
 * key whose private half stands in the text. Their `sign` rejects with `signer_unavailable` for a signature that is none.
 */
export async function parseRemoteKeys(text: string, ask: AskSigner): Promise<ClientKey[]> {
  const keys = await Promise.all(listJwks(text).map(jwk => parseRemoteKey(jwk, ask)))
  refuseSameNames(keys)
  return keys
}

async function parseRemoteKey(
  jwk: Readonly<Record<string, unknown>>,
  ask: AskSigner,
): Promise<ClientKey> {
  if (jwk.d !== undefined) throw new Error('a private key stands among the public keys of a signer')
  const alg = chooseAlg(jwk)
  const { kty, n, e, crv, x, y } = jwk as JWK
  const key = await importJWK({ kty, n, e, crv, x, y }, alg, { extractable: true }).catch(() => {})
  if (!key || key instanceof Uint8Array) throw new Error('a public key of a signer cannot be read')
  refuseWeakKey((key.algorithm as { modulusLength?: number }).modulusLength)
  const members = await exportJWK(key)
  const kid = await nameKey(jwk.kid, members)
  const publicJwk = describePublicKey(members, kid, alg)
  return {
    ...{ kid, alg, publicJwk },
    ...(jwk.next === true ? { isNext: true } : {}),
    async sign(input) {
      const answer = await within(SIGNED_MS, ask(input, { kid, alg }))
      if (answer === undefined) {
        const detail = 'the signer did not answer in time'
        throw new BrokerError('signer_unavailable', { detail })
      }
      const signature = readSignature(answer, publicJwk)
      if (signature !== undefined && (await verifies(signature, input, publicJwk))) return signature
      throw new BrokerError('signer_unavailable', {
        detail: 'the signer answered with no signature of its public key',
      })
    },
  }
}
