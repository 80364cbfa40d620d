// Which addresses may speak for others. A list that covers a good part of the world would let any caller
// name the address that limits count by (attacks AD4, DS6): the ranges are judged together, because two
// halves are a whole. Pure.

import { isIP } from 'node:net'
import { parseIpv6 } from '../../src/network/address.ts'

const IPV4_BITS = 32
const IPV6_BITS = 128
const MAPPED = 0xffffn
/** 10.0.0.0/8 is a 256th of all IPv4 addresses, fc00::/7 a 128th of all IPv6 ones. */
const MOST = { [IPV4_BITS]: 16n, [IPV6_BITS]: 64n } as const

interface Range {
  bits: typeof IPV4_BITS | typeof IPV6_BITS
  first: bigint
  /** The one behind the last. */
  end: bigint
}

/** Whether addresses and CIDR ranges together cover more than a 16th of IPv4, or a 64th of IPv6. */
export function coverTheWorld(entries: readonly string[]): boolean {
  const ranges = entries.map(parseRange)
  return ([IPV4_BITS, IPV6_BITS] as const).some(bits => {
    const covered = countAddresses(ranges.filter(range => range.bits === bits))
    return covered * MOST[bits] > 1n << BigInt(bits)
  })
}

function countAddresses(ranges: readonly Range[]): bigint {
  let covered = 0n
  let reached = 0n
  for (const { first, end } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const from = first > reached ? first : reached
    if (end > from) covered += end - from
    if (end > reached) reached = end
  }
  return covered
}

function parseRange(entry: string): Range {
  const [address = '', length] = entry.split('/')
  if (isIP(address) === 4) return buildRange(IPV4_BITS, parseIpv4(address), length)
  const value = parseIpv6(address).reduce((sum, group) => (sum << 16n) | BigInt(group), 0n)
  // A range of mapped addresses is one of IPv4.
  if (value >> 32n === MAPPED && Number(length ?? IPV6_BITS) >= IPV6_BITS - IPV4_BITS) {
    const rest = Number(length ?? IPV6_BITS) - (IPV6_BITS - IPV4_BITS)
    return buildRange(IPV4_BITS, value & 0xffff_ffffn, String(rest))
  }
  return buildRange(IPV6_BITS, value, length)
}

function buildRange(bits: Range['bits'], address: bigint, length = String(bits)): Range {
  const host = BigInt(bits - Number(length))
  const first = (address >> host) << host
  return { bits, first, end: first + (1n << host) }
}

function parseIpv4(address: string): bigint {
  return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}
