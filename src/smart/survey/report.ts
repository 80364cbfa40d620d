// What a survey found, as lines for an operator's terminal: what was asked, what the EHR says, what
// fhirstorm would use and why, what is wrong, and the registration to paste. The EHR's own words are
// stripped of everything that a terminal would obey. Pure: no I/O, no clock.

import { describeFault } from '../../errors.ts'
import { describeClientAddresses, listClientAddresses } from '../client-addresses.ts'
import { describePreset, findPreset } from '../presets.ts'
import { ownRedirectPath } from '../redirect-uri.ts'
import type { AuthorizationServer } from '../types.ts'
import {
  buildRegistrationBlock,
  chooseClientAuth,
  listForeignOrigins,
  suggestEhrId,
} from './registration-block.ts'
import type { Survey } from './survey.ts'

/** Stands for the public URL where that is not known. */
const PUBLIC_URL = 'https://YOUR-PUBLIC-URL'

/** The report, line by line; with the public URL, what to register at the EHR is told in full. */
export function buildDiscoveryReport(survey: Survey, publicUrl = PUBLIC_URL): string[] {
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
    const hint = hints.find(([pattern]) => pattern.test(`${code} ${detail}`))?.[1]
    return hint === undefined ? lines : [...lines, `  ${hint}`]
  }
  const { server } = outcome
  return [
    ...lines,
    ...['Found', ...found(server), ''],
    ...['fhirstorm would use', ...used(server), ''],
    ...section('Worth knowing', [
      ...describeVendor(iss),
      ...listForeignOrigins(survey, server).map(warnOfForeign),
      ...server.warnings,
    ]),
    ...['To register at the EHR', ...addresses(survey, server, publicUrl), ''],
    ...['Registration', ...buildRegistrationBlock(survey, server)],
  ]
}

const hints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    / ADDRESS_REFUSED$/,
    'The address is not public; for an EHR in your own network, try --private.',
  ],
  [/ ERR_SSL_WRONG_VERSION_NUMBER$/, 'There is no TLS at this port: check the address.'],
  [/ (ENOTFOUND|EAI_\w+)$/, 'No name server knows this host: check how it is spelled.'],
  [
    / (?=[A-Z_]+$)[A-Z_]*(?:CERT|SIGNATURE)/,
    'Where the EHR stands behind a CA of its own, try --ca FILE.',
  ],
  [
    /^no_oauth_metadata /,
    'A server without authorization is not supported: there is no token to keep.',
  ],
]

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
      : 'no iss in the callback: the redirect URI tells this EHR from others',
    server.revocationEndpoint
      ? 'revocation of tokens at logout (RFC 7009)'
      : 'no revocation at logout: the EHR names no endpoint for it',
  ].map(line => `  ${line}`)
}

function addresses({ iss }: Survey, server: AuthorizationServer, publicUrl: string): string[] {
  const id = suggestEhrId(iss)
  const redirectUri = publicUrl + ownRedirectPath(id)
  const client = { id, iss, redirectUri, clientAuth: chooseClientAuth(server, findPreset(iss)) }
  return describeClientAddresses(listClientAddresses(client, [], { publicUrl })).map(
    line => `  ${line}`,
  )
}

function describeVendor(iss: string): string[] {
  const preset = findPreset(iss)
  return preset === undefined
    ? []
    : [`${describePreset(preset).vendor}: ${describePreset(preset).note}`]
}

function warnOfForeign(origin: string): string {
  return `${origin} is not the FHIR base's host: make sure that it belongs to this EHR`
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map(line => `  ${plain(line)}`), '']
}

/** Text of an EHR for a terminal: visible ASCII on one line of bounded length. */
function plain(text: string): string {
  return text.slice(0, 500).replace(/[^ -~]/g, '?')
}
