// What the instances over one Redis tell each other, script by script, in a real server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENDS, FORGET, INSTANCES, RENEW, TELL } from '../../src/vault/redis-lease-scripts.ts'
import { hasRedis } from './redis-server.ts'
import { start } from './redis-steps.ts'

test('[K5, K19] the scripts of the leases', { skip: !hasRedis() }, async t => {
  const server = await start(t)
  const run = async (script: string, ...words: string[]) =>
    (await server.command('eval', script, '2', INSTANCES, ENDS, ...words)).trim().split('\n')
  const said = async (instance: string) =>
    (await server.command('hget', INSTANCES, `at:${instance}`)).trim()

  await t.test('who comes with another run’s number has read nothing of this one', async () => {
    const [epoch = '', seq] = await run(RENEW, 'one', '', '0', '1')
    assert.equal(seq, '0')
    assert.equal(await said('one'), '0 1')
    await run(RENEW, 'one', 'another.run', '900', '2')
    assert.equal(await said('one'), '0 2')
    await run(TELL, 'a', 'b')
    await run(RENEW, 'two', '', '0', '1')
    assert.equal(await said('two'), '2 1')
    assert.deepEqual(await run(RENEW, 'one', epoch, '0', '3'), [epoch, '2', '1 a', '2 b'])
    assert.equal(await said('one'), '0 3')
    assert.deepEqual(await run(RENEW, 'one', epoch, '1', '4'), [epoch, '2', '2 b'])
    assert.equal(await said('one'), '1 4')
  })

  await t.test('a registry of another run is begun anew, with an epoch of its own', async () => {
    const [before] = await run(RENEW, 'one', '', '0', '1')
    await server.command('hset', INSTANCES, 'run', 'another')
    const [after, seq, ...ends] = await run(RENEW, 'two', '', '0', '1')
    assert.notEqual(after, before)
    assert.deepEqual([seq, ends.filter(Boolean)], ['0', []])
    assert.equal(await said('one'), '')
  })

  await t.test('who has said something since is not forgotten', async () => {
    await run(RENEW, 'dead', '', '0', '7')
    await run(RENEW, 'slow', '', '0', '8')
    const words = ['at:dead', '0 7', 'at:slow', '0 7', 'at:gone', '0 1']
    await server.command('eval', FORGET, '1', INSTANCES, ...words)
    assert.deepEqual([await said('dead'), await said('slow')], ['', '0 8'])
  })

  await t.test('ends are kept up to a number, the last ones, and nothing for ever', async () => {
    const ids = Array.from({ length: 2_100 }, (_, i) => `${i}`)
    await run(TELL, ...ids)
    await run(TELL, ...ids)
    const first = await server.command('zrange', ENDS, '0', '0')
    assert.equal((await server.command('zcard', ENDS)).trim(), '4096')
    assert.equal(first.trim(), '105 104')
    for (const key of [INSTANCES, ENDS]) {
      const left = Number(await server.command('pttl', key))
      assert.ok(left > 0 && left <= 60_000, `${key} ${left}`)
    }
  })
})
