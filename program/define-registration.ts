// A registration from values in code, with the defaults and by the rules of the configuration: for hosts
// that use single plugins. Secrets and certificates are given as they are, no file is read.

import { z } from 'zod'
import { applyPreset, type PresetName } from '../src/smart/presets.ts'
import { resolveQuirks } from '../src/smart/quirks.ts'
import { listScopeFaults } from '../src/smart/scope/scope-lint.ts'
import type { NetworkPolicy, Quirks, Registration } from '../src/smart/types.ts'
import { ehrSchema } from './config/schema.ts'

type Needed = 'id' | 'iss' | 'clientId' | 'clientAuth' | 'scope' | 'redirectUri'

/** Our entry for one EHR as it is written; what is left out has the default of docs/configuration.md. */
export interface RegistrationSettings
  extends Pick<Registration, Needed>,
    Partial<Omit<Registration, Needed | 'network' | 'quirks'>> {
  /** What is known of a vendor's servers, laid beneath the rest. */
  preset?: PresetName
  /** `reach` is `public` unless told: `private` lets connections into private networks. */
  network?: Partial<NetworkPolicy>
  quirks?: Partial<Quirks>
}

const settingsSchema = ehrSchema
  .omit({
    ...{ clientAuth: true, redirectPath: true, preset: true },
    ...{ network: true, caFile: true, clientCertificate: true, proxy: true },
  })
  .extend({
    redirectUri: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }),
    clientAuth: z.discriminatedUnion('method', [
      z.strictObject({ method: z.literal('client_secret_basic'), secret: z.string().min(1) }),
      z.strictObject({ method: z.literal('client_secret_post'), secret: z.string().min(1) }),
      z.strictObject({
        method: z.literal('private_key_jwt'),
        keys: z
          .array(z.looseObject({ kid: z.string(), alg: z.string() }), 'parseClientKeys makes them')
          .min(1, 'there is no client key'),
        alg: z.enum(['RS384', 'ES384']).optional(),
      }),
    ]),
    network: z
      .strictObject({
        reach: z.enum(['public', 'private']).default('public'),
        ca: z.string().optional(),
        clientCertificate: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
        proxy: z.url({ protocol: /^http$/, error: 'must be an http:// address' }).optional(),
      })
      .prefault({}),
  })

/**
 * The registration that these settings describe. `name` is the id unless told; the origin of `iss` is
 * always among `origins`. Throws a TypeError with one sentence for each fault, which names the setting;
 * of values only scopes are repeated.
 */
export function defineRegistration(settings: RegistrationSettings): Registration {
  const { preset, ...written } = { ...settings, name: settings.name ?? settings.id }
  const judged = settingsSchema.safeParse(preset ? applyPreset(preset, { ...written }) : written)
  if (!judged.success) refuse(judged.error.issues.map(describe))
  const faults = listScopeFaults(judged.data.scope)
  if (judged.data.idToken === 'require' && !judged.data.scope.split(' ').includes('openid')) {
    faults.push('an id_token needs the scope openid')
  }
  if (faults.length > 0) refuse(faults.map(fault => `scope: ${fault}`))
  const { clientAuth: _checked, quirks, origins, ...rest } = judged.data
  return {
    ...rest,
    clientAuth: settings.clientAuth,
    origins: [...new Set([new URL(rest.iss).origin, ...origins])],
    quirks: resolveQuirks(quirks),
  }
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return `${issue.path.join('.')}: ${issue.message}`
  const names = issue.keys.map(key => [...issue.path, key].join('.'))
  return `${names.join(', ')}: there is no such setting`
}

function refuse(faults: readonly string[]): never {
  throw new TypeError(`defineRegistration: ${faults.join('; ')}`)
}
