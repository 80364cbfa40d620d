// What a survey found, as lines for an operator's terminal: what was asked, what the EHR says, what
// fhirstorm would use and why, what is wrong, and the registration to paste. The EHR's own words are
// stripped of everything that a terminal would obey. Pure: no I/O, no clock.

import { describeFault } from '../errors.ts'
import type { Survey } from './discovery-survey.ts'
import type { AuthorizationServer } from './types.ts'

/** The report, line by line. */
export function buildDiscoveryReport(survey: Survey): string[] {
  const { iss, asked, outcome } = survey
  const lines = [
    iss,
    '',
    'Asked',
    ...asked.map(({ url, answer }) => `  ${answer}  ${plain(url)}`),
    '',
  ]
  if (!outcome.usable) {
    const { code, detail } = outcome.error
    lines.push('Not usable', `  ${code}: ${describeFault(code).message}`)
    if (detail !== undefined) lines.push(`  ${plain(detail)}`)
    return [...lines, ...(hints[code] ?? []).map(hint => `  ${hint}`)]
  }
  const { server } = outcome
  return [
    ...lines,
    ...['Found', ...found(server), ''],
    ...['fhirstorm would use', ...used(server), ''],
    ...section('Worth knowing', server.warnings),
    ...['Registration', ...registration(survey, server)],
  ]
}

const hints: Partial<Record<string, readonly string[]>> = {
  issuer_unreachable: [
    'ADDRESS_REFUSED: the address is not public; for an EHR in your own network, try --private.',
    'A certificate code: the EHR may stand behind a CA of its own; try --ca FILE.',
  ],
  no_oauth_metadata: ['An EHR without authorization is not supported: no token, nothing to keep.'],
  pkce_unsupported: ['fhirstorm never sends a challenge in plain text.'],
}

function found(server: AuthorizationServer): string[] {
  const rows: readonly (readonly [label: string, value: string | undefined])[] = [
    ['described by', server.source],
    ['FHIR version', server.fhirVersion],
    ['issuer', server.issuerAnnounced ? server.issuer : undefined],
    ['authorization', server.authorizationEndpoint],
    ['token', server.tokenEndpoint],
    ['keys', server.jwksUri],
    ['pushed requests', server.pushedAuthorizationRequestEndpoint],
    ['revocation', server.revocationEndpoint],
    ['end of session', server.endSessionEndpoint],
    ['challenges', server.codeChallengeMethods?.join(', ')],
    ['client proof', server.tokenEndpointAuthMethods?.join(', ')],
    ['algorithms', server.tokenEndpointAuthSigningAlgs?.join(', ')],
    ['capabilities', server.capabilities.join(', ')],
  ]
  return rows.map(([label, value]) => `  ${label.padEnd(16)} ${plain(value || 'not given')}`)
}

function used(server: AuthorizationServer): string[] {
  const { method, reason } = chooseClientAuth(server)
  return [
    `client proof: ${method} (${reason})`,
    'PKCE with S256, always',
    server.pushedAuthorizationRequestEndpoint
      ? 'the authorization request pushed (PAR)'
      : server.capabilities.includes('authorize-post')
        ? 'the authorization request by redirect, as a form when it is long (authorize-post)'
        : 'the authorization request by redirect',
    server.jwksUri
      ? 'id_tokens verified by the keys above'
      : 'no id_tokens: there are no keys to verify them by',
    server.issParameterSupported
      ? 'iss in the callback, required (RFC 9207)'
      : 'a redirect URI of its own, as the EHR sends no iss in the callback',
    server.revocationEndpoint
      ? 'revocation of tokens at logout (RFC 7009)'
      : 'no revocation at logout: the EHR names no endpoint for it',
  ].map(line => `  ${line}`)
}

function chooseClientAuth({
  tokenEndpointAuthMethods: methods,
  tokenEndpointAuthSigningAlgs: algs,
}: AuthorizationServer): { method: string; alg?: string; reason: string } {
  if (methods?.includes('private_key_jwt')) {
    const alg = ['ES384', 'RS384'].find(alg => algs?.includes(alg))
    return { method: 'private_key_jwt', alg, reason: 'listed, and no secret is shared' }
  }
  if (methods?.includes('client_secret_post') && !methods.includes('client_secret_basic')) {
    return { method: 'client_secret_post', reason: 'the only method listed that takes a secret' }
  }
  const reason = methods?.includes('client_secret_basic') ? 'listed' : 'the default: none is listed'
  return { method: 'client_secret_basic', reason }
}

function registration({ iss, origins }: Survey, server: AuthorizationServer): string[] {
  const { method, alg } = chooseClientAuth(server)
  const id = suggestId(iss)
  const proof =
    method === 'private_key_jwt' ? (alg ? `, alg: ${alg}` : '') : `, secretFile: /run/secrets/${id}`
  const issuer = server.issuerAnnounced ? new URL(server.issuer).origin : undefined
  const known = [new URL(iss).origin, ...origins]
  return [
    `- id: ${id}`,
    `  name: ${id}`,
    `  iss: ${iss}`,
    '  clientId: AS-REGISTERED-AT-THE-EHR',
    `  clientAuth: { method: ${method}${proof} }`,
    `  scope: ${suggestScope(server)}`,
    ...(origins.length > 0 ? [`  origins: ${JSON.stringify(origins)}`] : []),
    ...(issuer !== undefined && !known.includes(issuer)
      ? [`  issuers: ${JSON.stringify([server.issuer])}`]
      : []),
    ...(server.jwksUri ? [] : ['  idToken: ignore']),
    ...(speaksV1Only(server) ? ['  quirks: { scopeVersion: v1 }'] : []),
    ...(server.issParameterSupported ? [] : [`  redirectPath: /redirect/${id}`]),
  ].map(line => `  ${line}`)
}

function suggestScope(server: AuthorizationServer): string {
  const scopes = ['launch', 'launch/patient', 'patient/*.rs']
  if (server.jwksUri) scopes.splice(2, 0, 'openid', 'fhirUser')
  if (server.capabilities.includes('permission-offline')) scopes.push('offline_access')
  return scopes.join(' ')
}

function speaksV1Only({ source, capabilities }: AuthorizationServer): boolean {
  if (capabilities.includes('permission-v2')) return false
  return source === 'metadata' || capabilities.includes('permission-v1')
}

function suggestId(iss: string): string {
  const [label = ''] = new URL(iss).hostname.split('.')
  return /^[a-z][a-z0-9-]{0,31}$/.test(label) ? label : 'ehr'
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map(line => `  ${plain(line)}`), '']
}

/** Text of an EHR for a terminal: visible ASCII on one line of bounded length. */
function plain(text: string): string {
  return text.slice(0, 500).replace(/[^ -~]/g, '?')
}
