// How a client proves itself at an EHR, as fhirstorm.yaml says it: a secret, or a key that is in a file, in the key
// ring, or where only a signer can use it.

import { z } from 'zod'
import { isLoopbackHost } from '../../src/smart/issuer.ts'
import { text } from './text.ts'

const withSecret = { secret: text(512).optional(), secretFile: text(4096).optional() }

const signer = z.strictObject({
  command: z
    .array(z.string().max(4096))
    .min(1)
    .max(32)
    .refine(([path = '']) => path.startsWith('/'), 'must begin with the whole path of a program')
    .optional(),
  environment: z
    .array(text(64).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable'))
    .max(20)
    .default([]),
  url: z
    .url({ protocol: /^http$/, error: 'must be an http:// URL' })
    .refine(isPlain, 'must be without user and fragment')
    .optional(),
  socket: text(100).regex(/^\//, 'must be the whole path of a socket').optional(),
})

/** A key of which only the public half is in a file. */
export const withSigner = { publicKeyFile: text(4096).optional(), signer: signer.optional() }

export const clientAuth = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('client_secret_basic'), ...withSecret }),
  z.strictObject({ method: z.literal('client_secret_post'), ...withSecret }),
  z.strictObject({
    method: z.literal('private_key_jwt'),
    alg: z.enum(['RS384', 'ES384']).optional(),
    keyFile: text(4096).optional(),
    ...withSigner,
  }),
])

export type SignerDocument = z.output<typeof signer>

/** Why a signer cannot be asked as it is written; undefined for one that can. */
export function findSignerFault({ command, environment, url, socket }: SignerDocument) {
  if ((command === undefined) === (url === undefined)) return 'give exactly one of command and url'
  if (command) {
    return socket === undefined ? undefined : 'a socket is for a url'
  }
  if (environment.length > 0) return 'an environment is for a command'
  const { hostname } = new URL(url as string)
  if (socket === undefined && !isLoopbackHost(hostname)) {
    return 'url must lie on this machine (localhost, 127.0.0.1), or be reached by a socket'
  }
  return undefined
}

function isPlain(value: string): boolean {
  const { username, password, hash } = new URL(value)
  return username + password + hash === ''
}
