// The front of the package `fhirstorm`: the whole product as one Fastify plugin, what makes its options,
// and what single plugins (`fhirstorm/plugins/NAME`) need from a host. docs/plugins.md shows them in use.

export type { AuthorizationServerOptions } from '../plugins/authorization-server.ts'
export type { BackchannelLogoutOptions } from '../plugins/backchannel-logout.ts'
export type { CallbackOptions, HandedOver, Login, OnLogin } from '../plugins/callback.ts'
export type { ContractOptions } from '../plugins/contract.ts'
export type { CookiesOptions } from '../plugins/cookies.ts'
export type { DiscoveryOptions } from '../plugins/discovery.ts'
export type { ErrorsOptions } from '../plugins/errors.ts'
export type { FacadeOptions } from '../plugins/facade.ts'
export type { FacadeDocumentsOptions } from '../plugins/facade-documents.ts'
export type { FrontendOptions } from '../plugins/frontend.ts'
export type { GuardOptions } from '../plugins/guard.ts'
export type { JwksOptions } from '../plugins/jwks.ts'
export type { LaunchOptions } from '../plugins/launch.ts'
export type { LogoutOptions } from '../plugins/logout.ts'
export type { MetricsOptions } from '../plugins/metrics.ts'
export type { ProxyOptions } from '../plugins/proxy.ts'
export type { RenewalOptions } from '../plugins/renewal.ts'
export type { SecurityHeadersOptions } from '../plugins/security-headers.ts'
export type { SessionEventsOptions } from '../plugins/session-events.ts'
export type { SessionStoreOptions } from '../plugins/session-store.ts'
export type { SessionsOptions } from '../plugins/sessions.ts'
export type { StateOptions } from '../plugins/state.ts'
export type { TicketsOptions } from '../plugins/tickets.ts'
export type { VaultOptions } from '../plugins/vault.ts'
export type { VerifyOptions } from '../plugins/verify.ts'
export { BrokerError, type FaultCode, type FaultDetail } from '../src/errors.ts'
export type { HostToken } from '../src/exchange/access.ts'
export type { FacadeClient } from '../src/facade/client.ts'
export { deriveKeys, type KeyRing, makeKeyRing, parseKeyRing, printKeyRing } from '../src/keys.ts'
export { type Api, createAssertions } from '../src/session/assertion.ts'
export type { SessionDocument } from '../src/session/document.ts'
export { createRecordSealer, type RecordSealer } from '../src/session/sealer.ts'
export type { OpenSession, Session } from '../src/session/session.ts'
export { deriveSigningKeys, type SigningKey } from '../src/signing-keys.ts'
export { buildPublicKeySet, parseClientKeys } from '../src/smart/token/client-keys.ts'
export { type AskSigner, parseRemoteKeys } from '../src/smart/token/remote-keys.ts'
export type {
  ClientAuthentication,
  Identity,
  LaunchContext,
  NetworkPolicy,
  ProxiedEhr,
  Quirks,
  Registration,
  TokenSet,
} from '../src/smart/types.ts'
export { createMemoryVault, type MemoryVaultOptions } from '../src/vault/memory.ts'
export type { OpenedVault } from '../src/vault/open.ts'
export { VaultRefusal } from '../src/vault/refusal.ts'
export type { Vault } from '../src/vault/vault.ts'
export { serve } from './app.ts'
export { type Config, ConfigError, type ConfigFault, type ConfigSource } from './config/load.ts'
export { defineRegistration, type RegistrationSettings } from './define-registration.ts'
export {
  type ConfiguredOptions,
  type FhirstormOptions,
  fhirstorm,
  fhirstorm as default,
  loadConfig,
  openVault,
} from './embedded.ts'
export { buildLoggerOptions } from './logging.ts'
export { type AppOptions, buildOptions } from './options.ts'
export type { RouteGroup } from './route-groups.ts'
export { createServer, type ServerOptions } from './server.ts'
export type { Surroundings } from './surroundings.ts'
