// From a configuration to the options of each plugin: the one place that knows both. Pure but for the
// clock and the randomness of this process, which enter here.

import { randomBytes } from 'node:crypto'
import { parse as parseYaml } from 'yaml'
import type { AuditOptions } from '../plugins/audit.ts'
import type { AuthorizationServerOptions } from '../plugins/authorization-server.ts'
import type { BackchannelLogoutOptions } from '../plugins/backchannel-logout.ts'
import type { CallbackOptions } from '../plugins/callback.ts'
import type { ContractOptions } from '../plugins/contract.ts'
import type { CookiesOptions } from '../plugins/cookies.ts'
import type { DiscoveryOptions } from '../plugins/discovery.ts'
import type { ErrorsOptions } from '../plugins/errors.ts'
import type { FacadeOptions } from '../plugins/facade.ts'
import type { FacadeDocumentsOptions } from '../plugins/facade-documents.ts'
import type { FrontendOptions } from '../plugins/frontend.ts'
import type { GuardOptions } from '../plugins/guard.ts'
import type { HealthOptions } from '../plugins/health.ts'
import type { JwksOptions } from '../plugins/jwks.ts'
import type { LaunchOptions } from '../plugins/launch.ts'
import type { LogoutOptions } from '../plugins/logout.ts'
import type { MetricsOptions } from '../plugins/metrics.ts'
import type { PressureOptions } from '../plugins/pressure.ts'
import type { ProxyOptions } from '../plugins/proxy.ts'
import type { RenewalOptions } from '../plugins/renewal.ts'
import type { SecurityHeadersOptions } from '../plugins/security-headers.ts'
import type { SessionEventsOptions } from '../plugins/session-events.ts'
import type { SessionStoreOptions } from '../plugins/session-store.ts'
import type { SessionsOptions } from '../plugins/sessions.ts'
import type { StateOptions } from '../plugins/state.ts'
import type { TicketsOptions } from '../plugins/tickets.ts'
import type { VaultOptions } from '../plugins/vault.ts'
import { deriveKeys } from '../src/keys.ts'
import { createAssertions } from '../src/session/assertion.ts'
import { buildFhirUser } from '../src/session/document.ts'
import { createRecordSealer } from '../src/session/sealer.ts'
import type { OpenSession } from '../src/session/session.ts'
import { buildSigningKeySet, deriveSigningKeys } from '../src/signing-keys.ts'
import { listFrameAncestors } from '../src/smart/frame-ancestors.ts'
import { LAUNCH_LIFETIME_SECONDS } from '../src/smart/launch/state.ts'
import { buildPublicKeySet } from '../src/smart/token/client-keys.ts'
import type { AdminListenerOptions } from './admin.ts'
import { buildAuditOptions } from './audit.ts'
import { resolveClient } from './config/facade.ts'
import type { Config } from './config/load.ts'
import { type InternalListenerOptions, splitToken } from './internal.ts'
import { type Limits, resolveLimits } from './limits.ts'
import { listClientKeys, listRewrittenBases } from './registrations.ts'
import type { RouteGroup } from './route-groups.ts'
import type { Surroundings } from './surroundings.ts'
import { judgeMaterial } from './terms.ts'

export interface AppOptions {
  /** Path of the public URL, below which every route lies; empty at the root. */
  prefix: string
  metrics: MetricsOptions
  /** Where there is a sink for what happened. */
  audit?: AuditOptions
  errors: ErrorsOptions
  /** Of what every request meets; src/limits.ts where nothing is told. */
  limits?: Partial<Pick<Limits, 'connections' | 'answers'>> & { pressure?: PressureOptions }
  securityHeaders: SecurityHeadersOptions
  guard: GuardOptions
  vault: VaultOptions
  cookies: CookiesOptions
  discovery: DiscoveryOptions
  state: StateOptions
  authorizationServer: AuthorizationServerOptions
  sessionStore: SessionStoreOptions
  tickets: TicketsOptions
  renewal: RenewalOptions
  /** For an existing app, where there is one. */
  facade?: FacadeOptions & FacadeDocumentsOptions
  launch: LaunchOptions
  callback: CallbackOptions
  logout: LogoutOptions
  sessions: SessionsOptions
  sessionEvents: SessionEventsOptions
  proxy: ProxyOptions
  backchannelLogout: BackchannelLogoutOptions
  jwks: JwksOptions
  health: HealthOptions
  contract: ContractOptions
  frontend: FrontendOptions
  /** Keys of assertions, where the app has an API of its own. */
  apiJwks?: JwksOptions
  internal?: InternalListenerOptions
  admin?: AdminListenerOptions
  /**
   * Routes that the host has itself, by their plugin. At the root of an app of somebody else's these are
   * `health` and, where it has no files to serve, `frontend`, unless told.
   */
  leaveOut?: readonly RouteGroup[]
}

/** Where a login lands unless told: at the pages that fhirstorm serves itself, below its path, else at the root. */
function findHome({ static: folder, origins }: Config['frontend'], publicUrl: string): string {
  const { origin, pathname } = new URL(publicUrl)
  const isHere = folder !== undefined && (origins[0] ?? origin) === origin
  return isHere ? `${pathname.replace(/\/$/, '')}/` : '/'
}

/**
 * The options of every plugin, for `serve` or `app.register(fhirstorm, …)`. Throws a TypeError for what
 * `loadConfig` and `openVault` did not give.
 */
export function buildOptions(config: Config, surroundings: Surroundings): AppOptions {
  judgeMaterial(config, surroundings)
  const { publicUrl, registrations, sessions, keyRing } = config
  const { vault, auditSink, now = Date.now, contract, isDraining, processes } = surroundings
  const { reload, verbosity, drain, metricsText, ehrStates } = surroundings
  const limits = resolveLimits(config.limits, processes)
  const { loginRate: rateLimit, perBrowser, pace, guesses } = limits
  const secure = publicUrl.startsWith('https:')
  const base = new URL(publicUrl).pathname.replace(/\/$/, '')
  const idleMs = sessions.idleMinutes * 60_000
  const absoluteMs = sessions.absoluteHours * 3_600_000
  const frontend = {
    origin: config.frontend.origins[0] ?? new URL(publicUrl).origin,
    returnTo: config.frontend.returnTo ?? findHome(config.frontend, publicUrl),
    otherOrigins: config.frontend.origins.slice(1),
  }
  const { errorUrl: errorPath } = config.frontend
  const errorUrl = errorPath && new URL(errorPath, frontend.origin).href
  const { includeSubDomains: hstsIncludeSubDomains } = config.hsts
  const frameAncestors = [...new Set(registrations.flatMap(listFrameAncestors))]
  const keepOpener = config.facade?.popups ?? false
  const loginPath = `${base}/login`
  const sealer = createRecordSealer(keyRing)
  const frontendOrigins = config.frontend.origins
  const documents = { publicUrl, rewrittenBases: listRewrittenBases(registrations) }
  const fhirUserOf = (open: OpenSession) => buildFhirUser(open, documents)
  const assertionKeys = deriveSigningKeys(keyRing, 'api assertion')

  return {
    prefix: base,
    health: { isDraining: () => isDraining?.() || drain?.read().ready === false },
    metrics: {},
    audit: auditSink && buildAuditOptions(config, { sink: auditSink, now }),
    limits,
    errors: {
      loginPath,
      ehrNames: new Map(registrations.map(({ id, name }) => [id, name])),
      ...{ frameAncestors, look: config.pages, errorUrl },
    },
    securityHeaders: { frameAncestors, secure, hstsIncludeSubDomains, keepOpener },
    guard: {
      ...{ publicUrl, frontendOrigins, hosts: config.hosts },
      allowHeaders: config.frontend.allowHeaders,
    },
    vault: { vault },
    cookies: {
      secure,
      ticketSameSite: sessions.ticketSameSite,
      keys: {
        ticket: deriveKeys(keyRing, 'ticket cookie'),
        launch: deriveKeys(keyRing, 'launch cookie'),
      },
      lifetimes: { ticket: Math.ceil(absoluteMs / 1000), launch: LAUNCH_LIFETIME_SECONDS },
    },
    discovery: { registrations, now },
    state: {
      mode: config.state,
      keys: deriveKeys(keyRing, 'state'),
      audience: publicUrl,
      now: vault.now,
      randomBytes,
    },
    authorizationServer: {
      ...{ registrations, now, randomBytes, postLogoutUrl: sessions.postLogoutUrl },
      sharedNow: vault.now,
    },
    sessionStore: {
      ...{ now: vault.now, randomBytes, idleMs, absoluteMs, sealer },
      openedBytes: limits.kept.openedBytes,
    },
    tickets: {
      ...{ now: vault.now, randomBytes, absoluteMs, sealer },
      ...{ rules: sessions, registrations, ticketBytes: limits.kept.ticketBytes },
    },
    renewal: { registrations, now: vault.now, randomBytes },
    facade: config.facade && {
      ...{ registrations, publicUrl, randomBytes, now, rateLimit, pace },
      client: resolveClient(config.facade, publicUrl),
      signingKeys: deriveSigningKeys(keyRing, 'facade id token'),
    },
    launch: {
      ...{ registrations, frontend, randomBytes, look: config.pages },
      isDraining: drain && (() => drain.read().draining),
      ...{ rateLimit, pace, perBrowser },
    },
    callback: { registrations, publicUrl, frontend, rateLimit, perBrowser },
    logout: { publicUrl, keys: deriveKeys(keyRing, 'way to the logout'), now: vault.now },
    sessions: { ...documents, ehrs: registrations },
    sessionEvents: { ...documents, ehrs: registrations, limits: limits.sessionStreams },
    proxy: {
      registrations,
      publicUrl,
      fhirAlias: sessions.fhirAlias,
      facade: config.facade !== undefined,
      limits: limits.proxy,
    },
    backchannelLogout: { registrations, now, rateLimit },
    jwks: { keySet: buildPublicKeySet(listClientKeys(registrations)) },
    contract: {
      published:
        config.docs && contract !== undefined
          ? { text: contract, document: parseYaml(contract) }
          : undefined,
    },
    frontend: {
      root: config.frontend.static,
      fallback: config.frontend.fallback,
      contentSecurityPolicy: config.frontend.contentSecurityPolicy,
      loginPath,
      look: config.pages,
      ...{ frameAncestors, secure, hstsIncludeSubDomains, keepOpener },
    },
    apiJwks:
      config.apis.length === 0
        ? undefined
        : {
            keySet: buildSigningKeySet(assertionKeys),
            path: '/.well-known/api-jwks.json',
          },
    internal: config.internal && {
      ...splitToken(config.internal),
      guesses,
      verify: {
        ...{ registrations, fhirAlias: sessions.fhirAlias, apis: config.apis, fhirUserOf },
        assertionOf: createAssertions({
          ...{ signingKeys: assertionKeys, issuer: publicUrl, now, moveFhirUser: fhirUserOf },
        }),
      },
    },
    admin: config.admin
      ? {
          ...{ ...config.admin, ehrs: registrations, guesses },
          ...{ reload, verbosity, drain, metricsText, ehrStates },
        }
      : undefined,
  }
}
