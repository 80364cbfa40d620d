// What a server may do to the vault: die, stop answering, turn read-only, be full, start empty, or
// vanish without a word.

import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { openRedisVault } from '../../src/vault/redis.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import { buildRecord, newId } from './records.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { eventually, insert, open, pause, refuses, start } from './redis-steps.ts'
import { startTcpProxy } from './tcp-proxy.ts'

const now = Date.now
const MINUTE = 60_000

if (hasRedis()) {
  let server: RedisServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.close())

  test('[V11] a killed server is 503 at once, and is used again without a restart of ours', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    await vault.head(id)
    await own.kill()
    await refuses(() => vault.read(id))
    await refuses(() => vault.head(id))
    await refuses(() => vault.ping())
    await own.start()
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id), 'an acknowledged record is lost')
  })

  test('[V11] a server that stops answering is 503 in time, however many ask', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    own.pause()
    t.after(() => own.resume())
    const asked = Array.from({ length: 3_000 }, () => refuses(() => vault.read(id)))
    await Promise.all(asked)
    own.resume()
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id))
    // One connection took the place of the one that was silent, and not one for each of them.
    const others = async () =>
      (await own.command('client', 'list')).split('\n').filter(line => line.includes('resp=3'))
    await eventually(async () => assert.equal((await others()).length, 1))
  })

  test('[V11] what was asked during an outage is refused at once, and never done later', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    const other = newId()
    await own.kill()
    await pause(100)
    // Asked while the library tries to connect again, and the server begins meanwhile.
    const asked = Promise.all([
      refuses(() => vault.remove(id)),
      refuses(() => vault.insert(other, buildRecord(now()))),
      refuses(() => vault.replace(id, 1, buildRecord(now()))),
      refuses(() => vault.take('state-x', now() + 60_000)),
      refuses(() => vault.deposit('launch-x', 'sealed', now() + 60_000)),
    ])
    await own.start()
    await asked
    await eventually(() => vault.ping())
    assert.equal((await vault.read(id))?.generation, 1)
    assert.equal(await vault.read(other), undefined)
    assert.equal(await vault.withdraw('launch-x'), undefined)
    assert.equal(await vault.take('state-x', now() + 60_000), true)
  })

  test('[DS13, V11] writes that wait for an answer are bounded in bytes', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    await vault.ping()
    own.pause()
    t.after(() => own.resume())
    const value = Buffer.alloc(64 * 1024)
    const details = await Promise.all(
      Array.from({ length: 1_000 }, () =>
        vault.insert(newId(), buildRecord(now(), { value })).then(
          () => assert.fail('stored'),
          error => error.detail,
        ),
      ),
    )
    const refused = details.filter(detail => detail === 'Redis: QUEUE_FULL').length
    assert.ok(refused >= 480 && refused < 600, `${refused}`)
    own.resume()
    await eventually(() => insert(vault))
  })

  test('[V11] a slow server is 503 while it is slow', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const vault = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const id = await insert(vault)
    proxy.delay(5_000)
    await refuses(() => vault.read(id))
    proxy.delay(0)
    await eventually(() => vault.ping())
    assert.ok(await vault.read(id))
  })

  test('[V11] a peer that vanished without a word is given up, even under load', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const vault = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const id = await insert(vault)
    proxy.silence()
    const load = setInterval(() => void vault.read(id).catch(() => undefined), 2)
    t.after(() => clearInterval(load))
    await refuses(() => vault.read(id))
    await eventually(() => vault.read(id))
  })

  test('[V11] READONLY and out of memory are 503 for writes, and reads go on', async t => {
    const own = await start(t)
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    for (const [faulty, well, detail] of [
      ['replicaof 127.0.0.1 1', 'replicaof no one', 'Redis: READONLY'],
      ['config set maxmemory 1', 'config set maxmemory 0', 'Redis: OOM'],
    ] as const) {
      const over = await insert(vault)
      await own.command(...faulty.split(' '))
      await assert.rejects(insert(vault), { code: 'vault_unavailable', detail })
      // What ends needs no room.
      if (detail.endsWith('OOM')) assert.equal(await vault.remove(over), true)
      assert.ok(await vault.read(id))
      assert.ok(await vault.head(id))
      await own.command(...well.split(' '))
      await insert(vault)
    }
  })

  test('[V11, V12] a server that comes back empty has no sessions, and nothing breaks', async t => {
    const own = await start(t, ['--appendonly', 'no'])
    const vault = await open(t, { url: own.url })
    const id = await insert(vault)
    assert.ok(await vault.head(id))
    await own.kill()
    await own.start()
    await eventually(() => vault.ping())
    assert.equal(await vault.head(id), undefined)
    assert.equal(await vault.replace(id, 1, buildRecord(now())), false)
    await insert(vault)
  })

  test('[V11] a server that is not there at the start is asked once it is', async t => {
    const own = await start(t)
    await own.kill()
    const { vault, warnings } = await openRedisVault({ url: own.url }, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, ['the vault cannot be asked yet (Redis: ECONNREFUSED)'])
    await vault.verifyKeys(new Map([['key', 'mark']]))
    await refuses(() => vault.head(newId()))
    await assert.rejects(vault.ping(), { detail: 'Redis: ECONNREFUSED' })
    await own.start()
    await eventually(() => insert(vault))
    assert.match(await own.command('hgetall', 'fhirstorm:key-marks'), /key\nmark/)
  })

  test('[V11] a server that takes connections and says nothing is told of', async t => {
    const sockets = new Set<Socket>()
    const mute = createServer(socket => void sockets.add(socket.on('error', () => {})))
    await new Promise<void>(done => mute.listen(0, '127.0.0.1', done))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      mute.close()
    })
    const { port } = mute.address() as AddressInfo
    const url = `redis://127.0.0.1:${port}`
    const { vault, warnings } = await openRedisVault({ url }, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, ['the vault cannot be asked yet (Redis: no answer)'])
    await assert.rejects(vault.ping(), { code: 'vault_unavailable', detail: 'Redis: no answer' })
  })

  test('[V11] what is asked while no sentinel answers waits for none', async t => {
    const away = 'redis://127.0.0.1:1'
    const choice = { url: away, sentinel: { name: 'vault', nodes: [away] } }
    const { vault, warnings } = await openRedisVault(choice, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, ['the vault cannot be asked yet (Redis: ECONNREFUSED)'])
    await assert.rejects(vault.ping(), { detail: 'Redis: ECONNREFUSED' })
  })

  test('[V10] a ring of other keys is refused, also where the server came late', async t => {
    const own = await start(t)
    await (await open(t, { url: own.url })).verifyKeys(new Map([['key', 'mark']]))
    const other = await open(t, { url: own.url })
    await assert.rejects(other.verifyKeys(new Map([['key', 'other']])), VaultRefusal)
    await own.kill()
    const late = await open(t, { url: own.url })
    await late.verifyKeys(new Map([['key', 'other']]))
    await own.start()
    const detail = 'the vault was sealed under another key with the id key'
    await eventually(() => assert.rejects(late.ping(), { code: 'vault_unavailable', detail }))
    await refuses(() => insert(late))
  })

  test('[V11] a wrong password is told as such, and never the password', async t => {
    const own = await start(t, ['--requirepass', 'the right one'])
    const url = `redis://:canary@127.0.0.1:${own.port}`
    const { vault, warnings } = await openRedisVault({ url }, now)
    t.after(() => vault.close())
    assert.deepEqual(warnings, ['the vault cannot be asked yet (Redis: WRONGPASS)'])
    await assert.rejects(vault.ping(), error => {
      assert.ok(error instanceof BrokerError)
      return !`${error.detail} ${error.message} ${error.stack}`.includes('canary')
    })
    const right = `redis://:the%20right%20one@127.0.0.1:${own.port}/3`
    const id = await insert(await open(t, { url: right }))
    const base = ['--no-auth-warning', '-a', 'the right one', '-n', '3']
    assert.equal(await own.command(...base, 'exists', `fhirstorm:record:${id}`), '1\n')
  })

  test('[K19] a removal waits for the lease of who cannot be told of it, which then gives nothing', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const far = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const near = await open(t, { url: server.url })
    const id = await insert(near)
    assert.ok(await far.head(id))
    proxy.silence()
    await near.remove(id)
    await refuses(() => far.head(id))
    await eventually(async () => assert.equal(await far.head(id), undefined))
  })

  test('[K19] heads are read anew after the connection was lost', async t => {
    const proxy = await startTcpProxy(server.port)
    t.after(() => proxy.close())
    const far = await open(t, { url: `redis://127.0.0.1:${proxy.port}` })
    const near = await open(t, { url: server.url })
    const ids = await Promise.all(Array.from({ length: 20 }, () => insert(near)))
    for (const id of ids) assert.ok(await far.head(id))
    proxy.cut()
    await Promise.all(ids.map(id => near.remove(id)))
    await eventually(() => far.ping())
    for (const id of ids) assert.equal(await far.head(id), undefined)
  })

  test('[V12] new sessions wait for the replicas that are asked for, and reads wait for nothing', async t => {
    const own = await start(t)
    const replica = await start(t, ['--replicaof', '127.0.0.1', `${own.port}`])
    await eventually(async () =>
      assert.match(await replica.command('info'), /master_link_status:up/),
    )
    const vault = await open(t, { url: own.url, waitReplicas: 1 })
    const id = await insert(vault)
    assert.equal(await replica.command('exists', `fhirstorm:record:${id}`), '1\n')
    // Writes and reads have connections of their own here; one's own writes are seen all the same.
    for (let generation = 1; generation <= 50; generation++) {
      assert.equal((await vault.head(id))?.generation, generation)
      await vault.replace(id, generation, buildRecord(now()))
    }
    replica.pause()
    t.after(() => replica.resume())
    const detail = 'Redis: too few replicas have it'
    const waiting = assert.rejects(vault.replace(id, 51, buildRecord(now())), { detail })
    let isOver = false
    void waiting.finally(() => {
      isOver = true
    })
    assert.ok(await vault.read(id))
    assert.equal(isOver, false, 'the read waited for the replica')
    await waiting
    replica.resume()
    await eventually(() => insert(vault))
  })

  test('[F10, S4] instances whose clocks are half an hour apart see one and the same end', async t => {
    const own = await start(t)
    const steady = () => performance.now()
    const skews = [-30 * MINUTE, 0, 30 * MINUTE]
    const opened = await Promise.all(
      skews.map(skew => openRedisVault({ url: own.url }, () => Date.now() + skew, steady)),
    )
    const vaults = opened.map(({ vault }) => vault)
    t.after(() => Promise.all(vaults.map(vault => vault.close())))
    for (const [i, vault] of vaults.entries()) {
      const id = newId()
      const endsAt = vault.now() + 60 * MINUTE
      await vault.insert(id, buildRecord(vault.now(), { expiresAt: endsAt, endsAt, indexes: [id] }))
      assert.equal(await vault.take(`key-${i}`, endsAt), true)
      for (const other of vaults) {
        assert.ok(await other.read(id))
        assert.equal((await other.find(id)).length, 1)
        assert.equal(await other.take(`key-${i}`, endsAt), false)
      }
      await vault.touch(id, vault.now(), vault.now() - 1)
      await eventually(async () => {
        for (const other of vaults) assert.equal(await other.head(id), undefined)
      })
      assert.equal(await vault.take(`over-${i}`, vault.now() - 1_000), true)
      for (const other of vaults) assert.equal(await other.isTaken(`over-${i}`), false)
    }
  })
}
