import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pino } from 'pino'
import { configSchema } from '../../../program/config/schema.ts'
import { coverTheWorld } from '../../../program/config/trusted-proxies.ts'
import { createServer } from '../../../program/server.ts'

test('[AD4] ranges that together are a good part of the world are seen, whatever they are cut into', () => {
  const slices = (bits: number) =>
    Array.from({ length: 2 ** bits }, (_, i) => `${i << (8 - bits)}.0.0.0/${bits}`)
  for (const entries of [
    ['0.0.0.0/0'],
    ['10.1.2.3/0'],
    ['0.0.0.0/1'],
    ['0.0.0.0/1', '128.0.0.0/1'],
    ['128.0.0.0/1', '0.0.0.0/1'],
    ['16.0.0.0/4', '32.0.0.0/8'],
    slices(3),
    slices(5).slice(3, 6),
    ['::/0'],
    ['::/1', '8000::/1'],
    ['2000::/3'],
    ['fc00::/7', 'fe00::/7', 'fa00::/7'],
    ['::ffff:0.0.0.0/96'],
    ['::ffff:0:0/97', '::ffff:128.0.0.0/97'],
    ['10.0.0.0/8', '::/0'],
  ]) {
    assert.ok(coverTheWorld(entries), entries.join())
  }
})

test('[AD4] the networks that proxies stand in are no such part', () => {
  const networks = [
    ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '127.0.0.0/8'],
    ...['169.254.0.0/16', '104.16.0.0/13', '130.211.0.0/22', '35.191.0.0/16', '203.0.113.7'],
    ...['fc00::/7', 'fe80::/10', '2606:4700::/32', '::1', '::ffff:10.0.0.1', '::ffff:10.0.0.0/104'],
  ]
  assert.ok(!coverTheWorld(networks))
  assert.ok(!coverTheWorld([...networks, ...networks]))
  assert.ok(!coverTheWorld([]))
})

test('[AD4] what is counted is the union: order, repeats and overlaps change nothing', () => {
  const entry = fc
    .tuple(fc.nat(255), fc.nat(255), fc.integer({ min: 5, max: 32 }))
    .map(([a, b, bits]) => `${a}.${b}.0.0/${bits}`)
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 12 }), entries => {
      const verdict = coverTheWorld(entries)
      assert.equal(coverTheWorld(entries.toReversed()), verdict)
      assert.equal(coverTheWorld([...entries, ...entries]), verdict)
      // A map of /16 networks as the slow and plain way to count.
      const held = new Uint8Array(65_536)
      for (const one of entries) {
        const [address = '', bits = ''] = one.split('/')
        const [a = 0, b = 0] = address.split('.').map(Number)
        const size = 2 ** Math.max(0, 16 - Number(bits))
        const first = Math.floor((a * 256 + b) / size) * size
        if (Number(bits) <= 16) held.fill(1, first, first + size)
      }
      const plain = held.reduce((sum, one) => sum + one, 0)
      if (plain > 4096) assert.ok(verdict)
      if (plain < 4096 - 12) assert.ok(!verdict)
    }),
  )
})

test('[AD4] whatever the configuration accepts, the server can hold', async () => {
  const ipv6 = fc.ipV6()
  const entry = fc.oneof(
    fc.ipV4(),
    ipv6,
    fc.tuple(fc.ipV4(), fc.integer({ min: -1, max: 34 })).map(parts => parts.join('/')),
    fc.tuple(ipv6, fc.integer({ min: -1, max: 130 })).map(parts => parts.join('/')),
    fc.constantFrom(
      '::',
      '::1',
      'fe80::1%eth0',
      '::ffff:1.2.3.4',
      '10.0.0.0/08',
      '1.2.3',
      '0x7f.1',
    ),
  )
  const list = configSchema.shape.trustedProxies
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), async trustedProxies => {
      if (!list.safeParse(trustedProxies).success || coverTheWorld(trustedProxies)) return
      const app = createServer({ logger: pino({ level: 'silent' }), trustedProxies })
      await app.close()
    }),
    { numRuns: 300 },
  )
})
