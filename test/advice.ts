// What a frontend does where it meets a code, for docs/frontend.md: one line for each, of its author or its user.

import type { FaultCode } from '../src/errors.ts'

const again = 'offer to start again'
const later = 'try again after `Retry-After`, not before'
const tell =
  'say that the EHR does not answer, and try again later: after `Retry-After` where it is told'
const operator = "nothing that the app can do: its [operator](operations.md#runbook)'s"
const broken = `offer to start again; it stays so until the EHR or its registration is mended: its [operator](operations.md#runbook)'s`

/** What to do about each code, in Markdown. */
export const advice: Readonly<Record<FaultCode, string>> = {
  bad_request:
    'correct the request; a fetch of `endSessionUrl` is one: go there by a link or `location.href`',
  host_refused: 'look at the hook of the server that fhirstorm runs in',
  unknown_issuer: operator,
  unknown_ehr: 'offer the EHRs of `ehrs()`; correct the link that names another',
  ambiguous_issuer: operator,
  launch_invalid: 'open the app in the EHR again; of every launch: correct the launch URL there',
  state_missing: again,
  state_invalid: again,
  state_expired: again,
  state_used: again,
  cookie_missing:
    'offer a tab of its own (`target="_blank"`), and to allow cookies; never log in again by itself',
  too_many_launches: 'offer to start again; look for a login that the app begins in a loop',
  answer_unbound: again,
  callback_invalid: broken,
  issuer_mismatch: broken,
  facade_client_invalid:
    'compare client id and redirect URI of the app with `facade` in the configuration',
  prefetch_refused: 'nothing; a link to `/login` is no `<Link>` of a router that fetches ahead',
  path_invalid: 'correct the path: below `fhirBaseUrl`, without `..` or an encoded slash',
  query_invalid: 'encode the query (`URLSearchParams`)',
  format_refused:
    'ask for `application/fhir+json` or `application/fhir+xml`; only a Binary is what it is',
  header_invalid: 'correct the header: its value or its form',
  body_invalid: 'send JSON or XML that can be read, of the type that `Content-Type` says',
  logout_token_invalid: operator,
  session_invalid:
    'hide the record, offer to sign in; right after a login: [another site](#another-origin-of-the-same-site), or blocked cookies',
  session_expired: 'hide the record, offer to sign in',
  upstream_unauthorized:
    'say that the EHR does not accept this; the session stays. Always: scopes and `aud`, of the operator',
  cross_site: 'name the origin of the page under `frontend.origins`, or call from our own',
  navigation_refused: 'fetch it ([Files](#files)); a link to a Binary has one saved',
  csrf_header_missing: 'call by `fhirstorm.fetch`, or add `X-CSRF: 1`',
  interaction_refused: 'leave it: `policy` of this EHR does not allow it',
  not_found:
    'correct the address; the path of `publicUrl` (`/bff`) may be missing, or be there twice',
  method_not_allowed: 'use a method of the header `Allow`',
  request_timeout: 'send it again; large bodies need more pace than 1 KiB a second',
  session_ambiguous: 'call below `session.fhirBaseUrl` in place of `/fhir`',
  body_too_large:
    'send less at once: documents up to 16 MiB, bytes to `Binary` up to 1 GiB ([limits](configuration.md#limits))',
  uri_too_long: 'search by `POST …/_search`',
  media_type_refused:
    'send `Content-Type: application/fhir+json` (or `+xml`) in UTF-8, uncompressed; any type goes to `Binary`, but for `multipart/…`',
  expectation_failed: 'leave `Expect` out',
  unknown_host:
    "let the development server or proxy pass the browser's `Host`, or name its own under `hosts` ([Vite, Next.js](#same-origin-the-best-case))",
  foreign_reference:
    'refer to records of this session alone, best relatively (`Patient/ID`): an address of another session is refused',
  upgrade_refused: 'leave WebSockets: `new EventSource(url)` streams',
  too_many_requests: later,
  headers_too_large:
    'clear the cookies of other apps at this host; on `localhost` they share one jar',
  internal: 'offer to try again; report it with its `requestId`',
  issuer_unreachable: tell,
  bad_metadata: broken,
  no_oauth_metadata: broken,
  endpoint_not_pinned: broken,
  issuer_unnamed: broken,
  pkce_unsupported: broken,
  bad_token_response: broken,
  authorization_refused: broken,
  token_refused: `${again}; no kind of this name: it is of a login`,
  signer_unavailable: later,
  client_auth_failed: broken,
  bad_id_token: broken,
  bad_jwks: broken,
  missing_patient: 'offer to start again and to choose a patient',
  upstream_broken: tell,
  upstream_unreachable: tell,
  upstream_elsewhere: operator,
  upstream_encoding: operator,
  upstream_charset: operator,
  vault_unavailable: later,
  logout_incomplete: 'show the page of who is out, with `endSessionUrl`',
  audit_unavailable: 'read again before a write is repeated: it may have been done',
  overloaded: later,
  draining: later,
  issuer_busy: later,
  too_many_logins: later,
  too_many_in_flight: later,
  refresh_failed: tell,
  issuer_timeout: tell,
  upstream_timeout: tell,
}
