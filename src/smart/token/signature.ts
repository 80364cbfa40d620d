// Signatures as bytes: made by a key that is here, and judged where somebody else made them, by their length and by
// the public key that EHRs know. Signers write them as JWS has them or as DER (ECDSA alone), and either as bytes or
// in base64. Pure: no I/O, no clock (RFC 7518 3.3, 3.4).

import { base64url, type CryptoKey, importJWK } from 'jose'
import type { ClientKeyAlg, PublicJwk } from '../types.ts'

/** What WebCrypto calls our algorithms; of an RSA key the digest is part of the key. */
const algorithms = {
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  RS384: { name: 'RSASSA-PKCS1-v1_5' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
}
/** Of each of the two numbers of a signature by P-384. */
const NUMBER_BYTES = 48
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}\s*$/

/** Signs with a private key that is here. */
export async function signWith(
  key: CryptoKey,
  alg: ClientKeyAlg,
  input: Uint8Array,
): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign(algorithms[alg], key, copy(input)))
}

/** Whether this is the key's signature of these bytes. */
export async function verifies(
  signature: Uint8Array,
  input: Uint8Array,
  jwk: PublicJwk,
): Promise<boolean> {
  const key = (await importJWK({ ...jwk }, jwk.alg)) as CryptoKey
  return await crypto.subtle.verify(algorithms[jwk.alg], key, copy(signature), copy(input))
}

/** The signature in a signer's answer, as JWS has it; undefined where its length is none of this key's. */
export function readSignature(answer: Uint8Array, jwk: PublicJwk): Uint8Array | undefined {
  return fit(answer, jwk) ?? fit(decode(answer), jwk)
}

function fit(bytes: Uint8Array | undefined, { kty, n = '' }: PublicJwk): Uint8Array | undefined {
  if (bytes === undefined) return undefined
  if (kty === 'RSA') return bytes.length === base64url.decode(n).length ? bytes : undefined
  return bytes.length === 2 * NUMBER_BYTES ? bytes : readDer(bytes)
}

function decode(answer: Uint8Array): Uint8Array | undefined {
  const text = new TextDecoder('latin1').decode(answer)
  if (!BASE64.test(text)) return undefined
  const [bare = ''] = text.split(/[=\s]/, 1)
  const url = bare.replaceAll('+', '-').replaceAll('/', '_')
  return url.length % 4 === 1 ? undefined : base64url.decode(url)
}

/** SEQUENCE of two INTEGERs, in lengths of one byte, as every signature by P-384 is. */
function readDer(bytes: Uint8Array): Uint8Array | undefined {
  const [tag, length] = bytes
  if (tag !== 0x30 || length !== bytes.length - 2) return undefined
  const first = readInteger(bytes, 2)
  const second = first && readInteger(bytes, first.end)
  if (!second || second.end !== bytes.length) return undefined
  const signature = new Uint8Array(2 * NUMBER_BYTES)
  signature.set(first.number, NUMBER_BYTES - first.number.length)
  signature.set(second.number, 2 * NUMBER_BYTES - second.number.length)
  return signature
}

function readInteger(
  bytes: Uint8Array,
  at: number,
): { number: Uint8Array; end: number } | undefined {
  const length = bytes[at + 1] ?? 0
  const end = at + 2 + length
  if (bytes[at] !== 0x02 || length === 0 || end > bytes.length) return undefined
  // A zero in front keeps a large number from being a negative one.
  const start = bytes[at + 2] === 0 ? at + 3 : at + 2
  const number = bytes.subarray(start, end)
  return number.length > NUMBER_BYTES ? undefined : { number, end }
}

/** On a buffer of its own, as WebCrypto's types ask. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
