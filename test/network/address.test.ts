import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { classifyAddress, groupAddress, isReachable } from '../../src/network/address.ts'

const table: Record<ReturnType<typeof classifyAddress>, readonly string[]> = {
  public: [
    ...['8.8.8.8', '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0'],
    ...['126.255.255.255', '128.0.0.1', '169.253.255.255', '169.255.0.0', '172.15.255.255'],
    ...[
      '172.32.0.0',
      '192.0.1.0',
      '192.167.255.255',
      '192.169.0.0',
      '198.17.255.255',
      '198.20.0.0',
    ],
    ...['223.255.255.255', '2606:4700::1111', '2001:4860:4860::8888', '2a00:1450:4001::1'],
    ...['::ffff:8.8.8.8', '::ffff:808:808', '64:ff9b::8.8.8.8', '2003::1', '2001:200::1'],
  ],
  private: [
    ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
    ...['100.64.0.1', '100.127.255.255', 'fc00::1', 'fdff:ffff::1', '::ffff:10.1.2.3'],
  ],
  loopback: [
    '127.0.0.1',
    '127.1.2.3',
    '127.255.255.255',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ],
  forbidden: [
    ...['0.0.0.0', '0.1.2.3', '169.254.0.1', '169.254.169.254', '192.0.0.1', '192.0.0.192'],
    ...['192.0.2.1', '192.88.99.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1'],
    ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '100.100.100.200'],
    ...['168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254', 'fd00:42::42', '192.31.196.1'],
    ...['192.52.193.1', '192.175.48.1', '::', '::2', '::127.0.0.1', '::8.8.8.8', 'fe80::1'],
    ...['fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1', 'ff0e::1', '2001:db8::1', '2001::1'],
    ...['2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:10::1', '2001:20::1', '2002:7f00:1::'],
    ...['2002:a00:1::1', '3fff::1', '4000::1', '100::1', '64:ff9b::7f00:1', '64:ff9b::10.0.0.1'],
    ...['64:ff9b::169.254.169.254', '64:ff9b:1::8.8.8.8', '::ffff:169.254.169.254', '5f00::1'],
    ...['::ffff:0.0.0.0', '2620:4f:8000::1', '2606:4700::1111%1'],
    // No address literal at all: names and other notations of 127.0.0.1.
    ...['', 'localhost', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '127.0.0.1.', '①.0.0.1'],
    ...['[::1]', '127.0.0.1 ', ' ::1', '::1/128', '1.2.3.4:80'],
  ],
}

for (const [kind, addresses] of Object.entries(table)) {
  test(`[L2] counts ${addresses.length} spellings of addresses as ${kind}`, () => {
    for (const address of addresses) assert.equal(classifyAddress(address), kind, address)
  })
}

test('[L2] reaches public addresses only, and others as the registration says', () => {
  const closed = { private: false, loopback: false }
  for (const [kind, addresses] of Object.entries(table)) {
    for (const address of addresses) {
      assert.equal(classifyAddress(address) === 'public', kind === 'public', address)
      assert.equal(isReachable(address, closed), kind === 'public', address)
      const onPremises = { private: true, loopback: false }
      assert.equal(
        isReachable(address, onPremises),
        kind === 'public' || kind === 'private',
        address,
      )
      const open = { private: true, loopback: true }
      assert.equal(isReachable(address, open), kind !== 'forbidden', address)
    }
  }
})

test('[L2] sees through every IPv4-mapped spelling of an IPv4 address', () => {
  fc.assert(
    fc.property(fc.ipV4(), address => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
      const hex = [a * 256 + b, c * 256 + d].map(group => group.toString(16)).join(':')
      for (const spelling of [`::ffff:${address}`, `::FFFF:${hex}`, `0:0:0:0:0:ffff:${hex}`]) {
        assert.equal(classifyAddress(spelling), classifyAddress(address), spelling)
      }
    }),
  )
})

test('[L2] never throws, whatever the text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.domain()), text => {
      assert.ok(Object.hasOwn(table, classifyAddress(text)))
    }),
  )
})

test('[DS6] one caller is an IPv4 address or the /64 of an IPv6 one, however it is written', () => {
  const same = [
    ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:ffff:192.0.2.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:0:0:1', '2001:0DB8:0001:0002::'],
    ['2001:db8::1', '2001:db8:0:0:1::', '2001:db8::'],
    ['::1', '::', '::2:3:4:5'],
    ['fe80::1%eth0', 'fe80::2%eth1'],
    [undefined, '', 'unknown', 'localhost', '1.2.3', '_hidden', '1.2.3.4:80', 'x'.repeat(10_000)],
  ]
  const groups = same.map(addresses => new Set(addresses.map(groupAddress)))
  for (const [i, group] of groups.entries()) assert.equal(group.size, 1, `${same[i]}`)
  assert.equal(new Set(groups.flatMap(group => [...group])).size, same.length)
})
