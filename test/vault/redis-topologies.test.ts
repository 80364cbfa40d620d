// The contract over a cluster and behind a sentinel, and a failover.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testContract } from './contract.ts'
import { testProcesses } from './processes.ts'
import { buildRecord, newId } from './records.ts'
import {
  hasRedis,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startSentinel,
} from './redis-server.ts'
import { eventually, open } from './redis-steps.ts'

const now = Date.now

if (hasRedis()) {
  let cluster: RedisServer[]
  let watched: RedisServer[]
  let sentinel: RedisServer
  before(async () => {
    cluster = await startRedisCluster()
    const first = await startRedis()
    watched = [first, await startRedis(['--replicaof', '127.0.0.1', `${first.port}`])]
    sentinel = await startSentinel(first)
  })
  after(() => Promise.all([...cluster, sentinel, ...watched].map(server => server.close())))

  const inCluster = () => ({
    url: cluster[0]!.url,
    cluster: cluster.slice(1).map(({ url }) => url),
  })
  const bySentinel = () => ({
    url: 'redis://127.0.0.1:1',
    sentinel: { name: 'vault', nodes: [sentinel.url] },
  })

  testContract({
    name: 'redis cluster',
    lagMs: 100,
    async open(t, clock) {
      await Promise.all(cluster.map(server => server.command('flushall')))
      const connect = async () => await open(t, inCluster(), clock)
      return { vault: await connect(), connect }
    },
  })

  testContract({
    name: 'redis sentinel',
    lagMs: 100,
    async open(t, clock) {
      await watched[0]?.command('flushall')
      const connect = async () => await open(t, bySentinel(), clock)
      return { vault: await connect(), connect }
    },
  })

  testProcesses('redis cluster', async () => {
    await Promise.all(cluster.map(server => server.command('flushall')))
    return { kind: 'redis', ...inCluster() }
  })

  test('[V11] one node of a cluster that dies costs its own sessions, until it is back', async t => {
    const vault = await open(t, inCluster())
    const ids = Array.from({ length: 30 }, newId)
    for (const id of ids) await vault.insert(id, buildRecord(now()))
    await cluster[1]?.command('config', 'set', 'cluster-require-full-coverage', 'no')
    await cluster[2]?.command('config', 'set', 'cluster-require-full-coverage', 'no')
    await cluster[0]?.kill()
    const read = async () =>
      (await Promise.allSettled(ids.map(id => vault.read(id)))).filter(
        outcome => outcome.status === 'fulfilled' && outcome.value !== undefined,
      ).length
    await eventually(async () => assert.ok((await read()) >= 10))
    assert.ok((await read()) < 30)
    await cluster[0]?.start()
    await eventually(async () => {
      for (let i = 0; i < 9; i++) await vault.insert(newId(), buildRecord(now()))
    })
  })

  test('[V11, V12] after a failover the vault goes on with the new server', async t => {
    const vault = await open(t, bySentinel())
    const id = newId()
    await vault.insert(id, buildRecord(now()))
    await eventually(async () =>
      assert.match((await watched[1]?.command('exists', `fhirstorm:record:${id}`)) ?? '', /1/),
    )
    assert.ok(await vault.head(id))
    await watched[0]?.kill()
    await eventually(async () => {
      assert.equal(await vault.replace(id, 1, buildRecord(now())), true)
    })
    assert.equal((await vault.head(id))?.generation, 2)
    assert.equal((await vault.read(id))?.generation, 2)
  })
}
