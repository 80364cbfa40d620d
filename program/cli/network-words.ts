// What the network's own codes mean for whoever has registered an EHR. Pure: no I/O.

import type { Registration } from '../../src/smart/types.ts'

const CODE = /^[A-Z0-9_]+$/
const MEANINGS: readonly (readonly [code: RegExp, meaning: string])[] = [
  [/^(?:ENOTFOUND|EAI_\w+)$/, 'no name server knows this host'],
  [/^ECONNREFUSED$/, 'nobody listens there'],
  [/^ERR_SSL_WRONG_VERSION_NUMBER$/, 'there is no TLS at this port'],
  [
    /UNSAFE_LEGACY_RENEGOTIATION/,
    'its TLS is from before RFC 5746, as that of old load balancers is: it needs an update or another setting (NetScaler: denySSLReneg FRONTEND_CLIENT in place of ALL)',
  ],
  [
    /^ERR_SSL_(?:UNSUPPORTED_PROTOCOL|TLSV1_ALERT_PROTOCOL_VERSION|\w*HANDSHAKE_FAILURE)$/,
    'it has no version or cipher of TLS in common with us: TLS 1.2 or later is asked for',
  ],
  [
    /^ERR_SSL_\w*CERTIFICATE_REQUIRED$/,
    'it asks for a certificate of ours: clientCertificate names one',
  ],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired'],
  [/ALTNAME/, 'its certificate is for another name'],
  [/CERT|SIGNATURE/, 'its certificate is not trusted: caFile names a CA'],
]

/** The detail of a call that came to nothing, with what it means for a setting where it is a known code. */
export function explainNetwork(
  detail: string | undefined,
  { network }: Pick<Registration, 'network'>,
): string | undefined {
  if (detail === 'ADDRESS_REFUSED') {
    return network.reach === 'private'
      ? 'its address is of this machine, link-local or of a metadata service: ADDRESS_REFUSED'
      : 'its address is private or of this machine: ADDRESS_REFUSED; network: private lets us there'
  }
  if (detail === undefined || !CODE.test(detail)) return detail
  const [, meaning] = MEANINGS.find(([code]) => code.test(detail)) ?? []
  return meaning === undefined ? detail : `${meaning}: ${detail}`
}
