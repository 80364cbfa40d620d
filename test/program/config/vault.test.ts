// A Redis beyond this machine is reached by TLS and with a password, in every way to stand it up.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../../program/config/schema.ts'
import { loadVault } from '../../../program/config/vault.ts'

async function judge(vault: Record<string, unknown>, file?: string) {
  const faults: string[] = []
  const document = configSchema.shape.vault.parse({ kind: 'redis', ...vault })
  const loaded = await loadVault(document, {
    report: (path, message) => faults.push(`${path.join('.')}: ${message}`),
    readFile: async () => file ?? assert.fail('no file is named'),
    env: {},
  })
  assert.equal(loaded === undefined, faults.length > 0)
  return faults
}

const secure = 'rediss://:secret@redis.example.org:6380'
const password = /^vault\.url: beyond this machine Redis needs a password in the URL$/
const tls = /^vault\.url: beyond this machine Redis needs TLS: rediss:/

test('[V14] on this machine anything goes; beyond it TLS and a password are needed', async () => {
  for (const url of [
    ...['redis://localhost', 'redis://127.0.0.1:6379', 'redis://127.9.9.9', 'redis://[::1]:6379'],
    ...[secure, 'rediss://user:secret@10.0.0.7/3', 'rediss://:a@redis.localhost.example.org'],
  ]) {
    assert.deepEqual(await judge({ url }), [], url)
  }
  for (const [url, ...expected] of [
    ['redis://redis.example.org', password, tls],
    ['redis://10.0.0.7', password, tls],
    ['redis://[fd00::7]', password, tls],
    ['redis://0.0.0.0', password, tls],
    ['redis://localhost.example.org', password, tls],
    ['redis://:secret@redis.example.org', tls],
    ['redis://user:secret@redis.example.org:6380/1', tls],
    ['rediss://redis.example.org', password],
    ['rediss://user@redis.example.org', password],
  ] as const) {
    const faults = await judge({ url })
    assert.equal(faults.length, expected.length, url)
    for (const [i, pattern] of expected.entries()) assert.match(faults[i] ?? '', pattern, url)
    for (const fault of faults) assert.ok(!fault.includes('secret'), fault)
  }
})

test('[V14] the address in a file, the nodes of a cluster and the sentinels are judged alike', async () => {
  const [fault = ''] = await judge({ urlFile: 'x' }, 'redis://:secret@redis.example.org\n')
  assert.match(fault, /^vault\.urlFile: beyond this machine Redis needs TLS/)
  assert.deepEqual(await judge({ urlFile: 'x' }, ' rediss://:secret@redis.example.org \n'), [])
  assert.match(
    (await judge({ urlFile: 'x' }, 'http://x')).join(),
    /^vault\.urlFile: must be a redis/,
  )
  const here = 'redis://127.0.0.1:6379'
  for (const further of [
    { cluster: [here, 'redis://10.0.0.8:6379'] },
    { sentinel: { name: 'one', nodes: [here, 'redis://sentinel.example.org:26379'] } },
  ]) {
    const faults = await judge({ url: here, ...further })
    assert.equal(faults.length, 2)
    assert.match(faults[0] ?? '', password)
    assert.match(faults[1] ?? '', tls)
  }
  assert.match(
    (await judge({ url: secure, cluster: ['redis://10.0.0.8:6379'] })).join(),
    /^vault\.cluster\.0: must be rediss:\/\/ as the url is/,
  )
  assert.match(
    (await judge({ url: secure, sentinel: { name: 'x', nodes: ['http://10.0.0.8'] } })).join(),
    /^vault\.sentinel\.nodes\.0: must be a redis/,
  )
  const nodes = ['rediss://10.0.0.8', 'rediss://10.0.0.9']
  assert.deepEqual(await judge({ url: secure, cluster: nodes }), [])
  assert.deepEqual(await judge({ url: secure, sentinel: { name: 'x', nodes } }), [])
})

test('[V14] a network that nobody else is on may go without TLS, never without a password', async () => {
  const unencrypted = true
  assert.deepEqual(await judge({ url: 'redis://:secret@valkey', unencrypted }), [])
  const faults = await judge({ url: 'redis://valkey', unencrypted })
  assert.equal(faults.length, 1)
  assert.match(faults[0] ?? '', password)
})
