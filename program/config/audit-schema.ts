// The shape of `audit`: where audit events go, and what one of them may say. Pure: no I/O.

import { z } from 'zod'
import { isRegistrableIssuer } from '../../src/smart/issuer.ts'
import { withSigner } from './client-auth-schema.ts'
import { filePath } from './file-path.ts'

const path = z.string().min(1).max(4096)
const MEBIBYTE = 1024 * 1024

/** What holds wherever the events go. */
const events = {
  failClosed: z.boolean().default(false),
  searchParameters: z.enum(['hash', 'drop']).default('hash'),
}

const files = {
  path: filePath.default('./data/audit.ndjson'),
  rotateBytes: z
    .int()
    .min(64 * 1024)
    .max(4096 * MEBIBYTE)
    .default(64 * MEBIBYTE),
}
const keep = z.int().min(1).max(1_000_000)

const serverUrl = z
  .string()
  .max(2048)
  .refine(
    isRegistrableIssuer,
    'must be a plain https URL (http only on loopback), without user, query or fragment',
  )

export const auditSchema = z.discriminatedUnion('sink', [
  z.strictObject({ sink: z.literal('file'), ...events, ...files, keep: keep.optional() }),
  z.strictObject({ sink: z.literal('stdout'), ...events }),
  z.strictObject({
    sink: z.literal('fhir'),
    ...{ ...events, ...files },
    keep: keep.default(1),
    queueBytes: z
      .int()
      .min(MEBIBYTE)
      .max(1024 * 1024 * MEBIBYTE)
      .default(1024 * MEBIBYTE),
    url: serverUrl,
    method: z.enum(['PUT', 'POST']).default('PUT'),
    tokenFile: path.optional(),
    client: z
      .strictObject({
        clientId: z.string().min(1).max(512),
        tokenUrl: serverUrl,
        scope: z.string().min(1).max(1024).default('system/AuditEvent.cu'),
        alg: z.enum(['RS384', 'ES384']).optional(),
        keyFile: path.optional(),
        ...withSigner,
      })
      .optional(),
    network: z.enum(['public', 'private']).default('public'),
    caFile: path.optional(),
    clientCertificate: z.strictObject({ certFile: path, keyFile: path }).optional(),
    proxy: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(),
  }),
])
