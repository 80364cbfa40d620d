// fhirstorm/browser: what a frontend needs to sign in, to read FHIR, and to know when a session ends.
// No dependencies; also loads where there is no page, so that servers can render ahead.

export {
  type Client,
  type ClientOptions,
  createClient,
  type LoginOptions,
  readLanding,
} from './client.ts'
export type { Countdown } from './countdown.ts'
export type { Ehr, FhirContextItem, SessionDocument } from './document.ts'
export { Fault, type FaultKind, readFault, readRefusalCode } from './fault.ts'
export { type FhirClientState, toFhirClient } from './fhir-client.ts'
export type { Store } from './store.ts'
export type { WatchEvent, Watched } from './watched.ts'
