// Types of the package's front, as a host writes them; compiled with everything else and never run.

import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  type AppOptions,
  BrokerError,
  buildLoggerOptions,
  buildOptions,
  type Config,
  type CookiesOptions,
  createMemoryVault,
  createServer,
  defineRegistration,
  deriveKeys,
  type FaultCode,
  fhirstorm,
  type HostToken,
  type KeyRing,
  loadConfig,
  makeKeyRing,
  type OnLogin,
  openVault,
  type ProxyOptions,
  parseClientKeys,
  type Registration,
  type Vault,
} from '../../program/index.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <T extends true>(): T | undefined => undefined

export async function theWholeProduct(app: FastifyInstance, logger: FastifyBaseLogger) {
  await app.register(fhirstorm, { config: './fhirstorm.yaml' })
  await app.register(fhirstorm, { config: './fhirstorm.yaml', prefix: '/bff' })
  const config = await loadConfig('./fhirstorm.yaml')
  await app.register(fhirstorm, { config: { ...config, admin: false } })
  const { vault, warnings } = await openVault(config)
  holds<Same<typeof warnings, readonly string[]>>()
  const options = buildOptions(config, { vault })
  await app.register(fhirstorm, options)
  const server = createServer({ logger, trustedProxies: config.trustedProxies })
  // @ts-expect-error a configuration or options
  await server.register(fhirstorm, {})
  // @ts-expect-error the path is a text
  await server.register(fhirstorm, { config: 5 })
  // @ts-expect-error addresses of proxies, never a guess
  createServer({ logger, trustedProxies: true })
  // @ts-expect-error a vault
  buildOptions(config, {})
  holds<Same<typeof config, Config>>()
  holds<Same<typeof options, AppOptions>>()
}

export async function parts() {
  const ring: KeyRing = makeKeyRing()
  const vault: Vault = createMemoryVault()
  const keys: CookiesOptions['keys'] = {
    ticket: deriveKeys(ring, 'ticket cookie'),
    launch: deriveKeys(ring, 'launch cookie'),
  }
  // @ts-expect-error no such purpose
  deriveKeys(ring, 'cookies')
  const needed = {
    id: 'general',
    iss: 'https://ehr.example.org/fhir/r4',
    clientId: 'app',
    scope: 'launch openid fhirUser patient/*.rs',
    redirectUri: 'https://app.example.org/redirect',
  }
  const registration: Registration = defineRegistration({
    ...needed,
    clientAuth: { method: 'private_key_jwt', keys: await parseClientKeys('{}') },
    network: { reach: 'private' },
    quirks: { scopeVersion: 'v1' },
    preset: 'epic',
  })
  // @ts-expect-error a secret is missing
  defineRegistration({ ...needed, clientAuth: { method: 'client_secret_basic' } })
  const clientAuth = { method: 'client_secret_post' as const, secret: 'registered secret' }
  // @ts-expect-error there is no such preset
  defineRegistration({ ...needed, clientAuth, preset: 'other' })
  const token: HostToken<FastifyRequest> = async (request, { session, refused }) => {
    holds<Same<typeof session, string | undefined>>()
    if (request.headers.cookie === refused) throw new BrokerError('session_invalid')
    return { ehr: 'general', accessToken: 'token' }
  }
  const proxy: ProxyOptions = {
    registrations: [registration],
    publicUrl: 'https://app.example.org',
    fhirAlias: 'scripts',
    token,
  }
  return { vault, keys, proxy }
}

export const onLogin: OnLogin = async (
  request: FastifyRequest,
  reply: FastifyReply,
  { ehr, tokens },
) => {
  const patient: string | undefined = tokens.context.patient
  const issuer: string | undefined = tokens.identity?.iss
  request.log.info({ ehr, known: issuer !== undefined && patient !== undefined }, 'login')
  return { land: to => to.header('x-landed', String(reply === to)) }
}

export function refuse(): { code: FaultCode; status: number } {
  // @ts-expect-error codes are known
  new BrokerError('no_such_code')
  return new BrokerError('not_found')
}

export const level = buildLoggerOptions('info').level
