// The shape of fhirstorm.yaml. Unknown keys are refused, defaults stand here and nowhere else, and
// nothing secret has one. Pure: no I/O; files named here are read by the loader.

import { z } from 'zod'
import { isRegistrableIssuer } from '../../src/smart/issuer.ts'
import { presetNames } from '../../src/smart/presets.ts'
import { quirksSchema } from '../../src/smart/quirks.ts'
import { auditSchema } from './audit-schema.ts'
import { clientAuth } from './client-auth-schema.ts'
import { filePath } from './file-path.ts'
import { limitsSchema } from './limits-schema.ts'
import { text } from './text.ts'

const port = z.int().min(0).max(65535)
const origin = z
  .string()
  .refine(
    isOrigin,
    'must be one origin such as https://ehr.example.org, without wildcards, path or slash at its end',
  )
const ORIGIN = /^https?:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9]\d{0,4})?$/
const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
const localPath = z.string().regex(/^\/(?![/\\])[\x21-\x7e]*$/, 'must be a local path such as /')
/** RFC 6749 3.1.2: no fragment, in which a code would be lost. */
const appPath = localPath.regex(/^[^#]*$/, 'must be a path without a fragment')

export const ehrSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -'),
  name: text(120),
  iss: z
    .string()
    .refine(
      isRegistrableIssuer,
      'must be a plain https URL (http only on loopback), without user, query or fragment',
    ),
  preset: z.enum(presetNames).optional(),
  clientId: text(512),
  clientAuth,
  scope: text(4096),
  origins: z.array(origin).max(20).default([]),
  baseAliases: z.array(webUrl).max(20).default([]),
  aud: text(2048).default('iss'),
  idToken: z.enum(['verify', 'require', 'ignore']).default('verify'),
  issuers: z.array(webUrl).max(20).default([]),
  requirePatient: z.boolean().default(false),
  network: z.enum(['public', 'private']).default('public'),
  caFile: text(4096).optional(),
  clientCertificate: z.strictObject({ certFile: text(4096), keyFile: text(4096) }).optional(),
  proxy: webUrl.optional(),
  embedded: z.boolean().default(false),
  frameAncestors: z.array(origin).min(1).max(20).optional(),
  redirectPath: z
    .string()
    .regex(/^\/redirect(\/[a-z0-9][a-z0-9-]{0,31})?$/, 'must be /redirect or /redirect/EHR-ID')
    .optional(),
  responseIss: webUrl.optional(),
  endSessionEndpoint: webUrl.optional(),
  rewrite: z.boolean().default(true),
  upstreamCompression: z.enum(['identity', 'gzip']).default('identity'),
  firstByteSeconds: z.int().min(1).max(600).optional(),
  prompt: z.enum(['login', 'consent', 'select_account', 'none']).optional(),
  extras: z.array(text(256)).max(50).default([]),
  quirks: quirksSchema.default({}),
  policy: z
    .strictObject({
      readOnly: z.boolean().default(false),
      methods: z
        .array(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']))
        .min(1)
        .optional(),
      types: z
        .array(z.string().regex(/^[A-Z][A-Za-z]{0,63}$/, 'must be a FHIR type'))
        .min(1)
        .max(200)
        .optional(),
      enforceScopes: z.boolean().default(false),
    })
    .optional(),
})

const redisVault = z.strictObject({
  kind: z.literal('redis'),
  url: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' }).optional(),
  urlFile: text(4096).optional(),
  caFile: text(4096).optional(),
  cluster: z.array(z.url()).min(1).max(20).optional(),
  sentinel: z.strictObject({ name: text(128), nodes: z.array(z.url()).min(1).max(20) }).optional(),
  waitReplicas: z.int().min(0).max(9).default(0),
  unencrypted: z.boolean().default(false),
})

export const configSchema = z.strictObject({
  publicUrl: webUrl.refine(isPublicUrl, {
    error: 'must be https (http only on localhost or 127.0.0.1), without query and fragment',
  }),
  listen: z
    .strictObject({
      host: text(255).default('127.0.0.1'),
      port: port.default(5000),
      tls: z.strictObject({ certFile: text(4096), keyFile: text(4096) }).optional(),
    })
    .prefault({}),
  processes: z
    .union([z.literal('auto'), z.int().min(1).max(64)], 'must be auto or a number')
    .default(1),
  trustedProxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an address or a range'))
    .max(50)
    .default([]),
  admin: z
    .union([
      z.literal(false),
      z.strictObject({
        host: text(255).default('127.0.0.1'),
        port: port.default(5009),
        tokenFile: text(4096).optional(),
      }),
    ])
    .default(false),
  frontend: z
    .strictObject({
      origins: z.array(origin).max(20).default([]),
      returnTo: localPath.optional(),
      errorUrl: localPath.optional(),
      allowHeaders: z
        .array(text(64).regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'))
        .max(40)
        .default([]),
      static: text(4096).optional(),
      fallback: text(255)
        .regex(/^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/, 'must be a file below frontend.static')
        .optional(),
      contentSecurityPolicy: text(4096)
        .regex(/^[\x20-\x7e]+$/, 'must be plain ASCII')
        .optional(),
    })
    .prefault({}),
  watch: z.boolean().default(false),
  pages: z
    .strictObject({
      title: text(60).optional(),
      logo: z
        .union([localPath, z.url({ protocol: /^https$/ })], {
          error: 'must be a local path such as /logo.svg, or an https address',
        })
        .optional(),
      colour: z
        .string()
        .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #0b6e6e')
        .optional(),
    })
    .prefault({}),
  hsts: z.strictObject({ includeSubDomains: z.boolean().default(false) }).prefault({}),
  drainDelaySeconds: z.int().min(0).max(300).default(0),
  hosts: z
    .array(
      text(255).regex(/^[A-Za-z0-9.[\]:-]+$/, 'must be a host, with its port where it has one'),
    )
    .max(20)
    .default([]),
  internal: z
    .union([
      z.strictObject({ socket: text(100) }),
      z.strictObject({
        host: text(255).default('127.0.0.1'),
        port,
        tokenFile: text(4096).optional(),
      }),
    ])
    .optional(),
  apis: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -'),
        audience: text(512),
      }),
    )
    .max(50)
    .default([]),
  facade: z
    .strictObject({
      launchUrl: appPath,
      redirectUris: z.array(appPath).min(1).max(20),
      clientId: text(512),
      pkceOptional: z.boolean().default(false),
      popups: z.boolean().default(false),
    })
    .optional(),
  keysFile: text(4096),
  vault: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('sqlite'), path: filePath }),
      redisVault,
      z.strictObject({ kind: z.literal('memory') }),
    ])
    .default({ kind: 'sqlite', path: './data/vault.db' }),
  state: z.enum(['signed', 'opaque']).default('signed'),
  sessions: z
    .strictObject({
      idleMinutes: z.number().positive().max(1440).default(15),
      absoluteHours: z.number().positive().max(168).default(12),
      perBrowser: z.int().min(1).max(16).default(8),
      ticketSameSite: z.enum(['strict', 'lax']).default('strict'),
      onUserChange: z.enum(['end', 'keep']).default('end'),
      fhirAlias: z.enum(['scripts', 'always']).default('scripts'),
      postLogoutUrl: webUrl.optional(),
    })
    .prefault({}),
  audit: auditSchema.optional(),
  limits: limitsSchema.prefault({}),
  docs: z.boolean().default(false),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info') })
    .prefault({}),
  ehrs: z.array(ehrSchema).min(1).max(500),
})

export type ConfigDocument = z.output<typeof configSchema>
export type EhrDocument = z.output<typeof ehrSchema>

/** The names of all settings, at whatever depth. */
export function listSettings(): string[] {
  const names = new Set<string>()
  const collect = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    const { properties } = schema as { properties?: object }
    for (const name of Object.keys(properties ?? {})) names.add(name)
    for (const part of Object.values(schema)) collect(part)
  }
  collect(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }))
  return [...names]
}

// URL parsers let commas and semicolons into a host: in a policy they would end the source.
function isOrigin(value: string): boolean {
  return ORIGIN.test(value) && URL.canParse(value) && new URL(value).origin === value
}

function isPublicUrl(value: string): boolean {
  // What is no URL at all has been said.
  if (!URL.canParse(value)) return true
  const url = new URL(value)
  const loopback = url.hostname === 'localhost' || url.hostname === '127.0.0.1'
  return (
    (url.protocol === 'https:' || loopback) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === ''
  )
}
