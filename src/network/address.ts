// Which IP addresses a connection to an EHR may go to: the special-purpose registries of IANA (RFC 6890
// and its updates) as one table. Anything that is not plainly global unicast is refused, and the
// metadata services of cloud providers are refused under every policy. Pure: no I/O, no clock.

import { BlockList, isIP } from 'node:net'

/** What an address is, as far as reaching it is concerned. */
export type AddressKind = 'public' | 'private' | 'loopback' | 'forbidden'

/** Which kinds of address the connections of one registration may go to. */
export interface Reach {
  private: boolean
  loopback: boolean
}

const loopback = blockList(['127.0.0.0/8', '::1/128'])

// Networks of an organisation's own: what `network: private` opens.
const organisation = blockList([
  '10.0.0.0/8',
  '100.64.0.0/10', // shared by carriers and overlay networks
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
])

// Instance metadata of cloud providers that does not lie in a link-local range already.
const metadata = blockList([
  '100.100.100.200/32', // Alibaba
  '168.63.129.16/32', // Azure, inside global unicast space
  '192.0.0.192/32', // Oracle
  'fd00:ec2::/32', // AWS
  'fd00:42::42/128', // Scaleway
  'fd20:ce::/32', // Google
])

const special = blockList([
  '0.0.0.0/8', // this network; 0.0.0.0 connects to this host
  '169.254.0.0/16', // link-local, and most metadata services
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '2001::/23', // protocol assignments: Teredo, ORCHID, benchmarks
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address in disguise, abandoned (RFC 7526)
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
])

const globalUnicast6 = blockList(['2000::/3'])

const ipv4Mapped = [0, 0, 0, 0, 0, 0xffff]
const nat64 = [0x64, 0xff9b, 0, 0, 0, 0]

/**
 * The kind of an IP address literal. Text that is no plain IPv4 or IPv6 address (a name, a zone, a
 * number in another notation) is forbidden. IPv4-mapped addresses are what they map to; NAT64 ones
 * (RFC 6052) are public when the address inside is, else forbidden.
 */
export function classifyAddress(address: string): AddressKind {
  const version = isIP(address)
  if (version === 4) return classifyIpv4(address)
  if (version !== 6 || address.includes('%')) return 'forbidden'
  const groups = parseIpv6(address)
  if (hasPrefix(groups, ipv4Mapped)) return classifyIpv4(embeddedIpv4(groups))
  if (hasPrefix(groups, nat64)) {
    return classifyIpv4(embeddedIpv4(groups)) === 'public' ? 'public' : 'forbidden'
  }
  return classifyIpv6(address)
}

/** Whether a connection with this reach may go to this address. */
export function isReachable(address: string, reach: Reach): boolean {
  return allows(reach, classifyAddress(address))
}

/** Whether a connection with this reach may go to an address of this kind. */
export function allows(reach: Reach, kind: AddressKind): boolean {
  return kind === 'public' || (kind !== 'forbidden' && reach[kind])
}

/** `URL.hostname` without the brackets of an IPv6 literal. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function classifyIpv4(address: string): AddressKind {
  if (loopback.check(address, 'ipv4')) return 'loopback'
  if (metadata.check(address, 'ipv4') || special.check(address, 'ipv4')) return 'forbidden'
  return organisation.check(address, 'ipv4') ? 'private' : 'public'
}

function classifyIpv6(address: string): AddressKind {
  if (loopback.check(address, 'ipv6')) return 'loopback'
  if (metadata.check(address, 'ipv6') || special.check(address, 'ipv6')) return 'forbidden'
  if (organisation.check(address, 'ipv6')) return 'private'
  return globalUnicast6.check(address, 'ipv6') ? 'public' : 'forbidden'
}

/**
 * What counts as one caller: an IPv4 address, also written as an IPv6 one, or the /64 of an IPv6
 * address, which one subscriber has whole. Anything else, as a careless proxy may hand it on or a
 * connection that is gone already has it, is one and the same caller.
 */
export function groupAddress(address: string | undefined): string {
  const [bare = ''] = (address ?? '').split('%')
  const version = isIP(bare)
  if (version === 4) return bare
  if (version === 0) return 'unknown'
  const groups = parseIpv6(bare)
  if (hasPrefix(groups, ipv4Mapped)) return embeddedIpv4(groups)
  return groups
    .slice(0, 4)
    .map(group => group.toString(16))
    .join(':')
}

/** Who calls, as logs and the audit tell it: by network address, and by the request. */
export function callerOf({ ip, id }: { ip: string; id: string }) {
  return { caller: groupAddress(ip), requestId: id }
}

/** The eight groups of a valid IPv6 address; the URL parser writes dotted quads in hexadecimal. */
export function parseIpv6(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].map(group => Number.parseInt(group, 16))
}

function hasPrefix(groups: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((group, index) => groups[index] === group)
}

function embeddedIpv4(groups: readonly number[]): string {
  return groups
    .slice(6)
    .flatMap(group => [group >> 8, group & 255])
    .join('.')
}

/** A list of addresses and of networks in CIDR notation; IPv4-mapped addresses are found too. */
export function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [network = '', length] = subnet.split('/')
    const isIpv6 = isIP(network) === 6
    const bits = Number(length ?? (isIpv6 ? 128 : 32))
    list.addSubnet(network, bits, isIpv6 ? 'ipv6' : 'ipv4')
  }
  return list
}
