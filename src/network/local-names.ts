// What a host name says of where it leads, for connections whose names an outbound proxy resolves: this
// machine, services that only a link-local address has, networks of an organisation's own. A name that
// says nothing is public, and the proxy's to judge. Pure: this machine's own name is passed in.

import type { AddressKind } from './address.ts'

/** As hosts files and RFC 6761 6.3 have them. */
const LOOPBACK = new Set([
  ...['localhost', 'localhost4', 'localhost6', 'loopback', 'ip6-localhost', 'ip6-loopback'],
  ...['localhost.localdomain', 'localhost4.localdomain4', 'localhost6.localdomain6'],
])

/** Instance metadata of cloud providers, by the names that lead to 169.254.169.254 and its kin. */
const METADATA = new Set([
  ...['metadata', 'metadata.google.internal', 'metadata.goog', 'metadata.azure.internal'],
  ...['instance-data', 'instance-data.ec2.internal', 'metadata.tencentyun.com'],
  ...['metadata.packet.net', 'metadata.platformequinix.com', 'rancher-metadata'],
])

/** Names that no public server answers for (RFC 6762 3 and appendix G, RFC 8375, ICANN's `internal`). */
const PRIVATE =
  /(?:^[^.]+|\.(?:local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa))$/

/** The kind of the addresses that a name leads to, as far as the name tells. */
export function classifyName(name: string, ownName: string): AddressKind {
  const host = plain(name)
  if (LOOPBACK.has(host) || host.endsWith('.localhost')) return 'loopback'
  const own = plain(ownName)
  if (own !== '' && (host === own || host === own.split('.', 1)[0])) return 'loopback'
  if (METADATA.has(host)) return 'forbidden'
  return PRIVATE.test(host) ? 'private' : 'public'
}

/** In small letters and without the root's dots. */
function plain(name: string): string {
  let end = name.length
  while (name[end - 1] === '.') end--
  return name.slice(0, end).toLowerCase()
}
