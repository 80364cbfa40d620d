// The key ring and the command that makes and rotates it.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdtemp, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { rotateClientKeys, rotateKeyRing } from '../../../src/key-rotation.ts'
import { deriveKey, makeKeyRing, parseKeyRing, printKeyRing } from '../../../src/keys.ts'
import { removeFolder } from '../../world/folder.ts'

const run = promisify(execFile)
const HOUR = 3_600_000

test('a ring is read as it was written', () => {
  const ring = makeKeyRing(Date.UTC(2026, 0, 1), randomBytes)
  assert.deepEqual(parseKeyRing(printKeyRing(ring)), ring)
})

test('[K11] a ring with a key of another length, or none, is refused without a word of it', () => {
  const text = printKeyRing(makeKeyRing(0, randomBytes))
  const secret = /"secret": "([^"]+)"/.exec(text)?.[1] ?? ''
  for (const bad of [
    '',
    '{}',
    '[]',
    'null',
    '{"version":1,"keys":[]}',
    text.replace('"version": 1', '"version": 2'),
    text.replace(secret, secret.slice(0, 40)),
    text.replace(secret, `${secret}AAAA`),
    text.replace(secret, `${secret.slice(0, 42)}!`),
    text.replace(/"id": "[^"]+"/, '"id": ""'),
    text.replace(/"createdAt": "[^"]+"/, '"createdAt": "soon"'),
  ]) {
    assert.throws(
      () => parseKeyRing(bad),
      (error: Error) => !error.message.includes(secret.slice(0, 8)) && error.message.length < 80,
    )
  }
})

test('[D9] every purpose has a key of its own', () => {
  const [key] = makeKeyRing(0, randomBytes).keys
  const purposes = [
    'ticket cookie',
    'launch cookie',
    'state',
    'vault record',
    'vault index',
  ] as const
  const derived = new Set(purposes.map(purpose => deriveKey(key, purpose).toString('hex')))
  assert.equal(derived.size, purposes.length)
  for (const text of derived) assert.equal(text.length, 64)
})

test('[K11, S11] rotation puts a new key in front and keeps the old while sessions may need it', () => {
  const keepMs = 12 * HOUR
  const first = makeKeyRing(0, randomBytes)
  const second = rotateKeyRing(first, { now: HOUR, keepMs, randomBytes })
  assert.deepEqual(second.keys.slice(1), first.keys)
  const soon = rotateKeyRing(second, { now: 2 * HOUR, keepMs, randomBytes })
  assert.equal(soon.keys.length, 3)
  const later = rotateKeyRing(second, { now: 14 * HOUR, keepMs, randomBytes })
  assert.deepEqual(
    later.keys.slice(1).map(({ id }) => id),
    [second.keys[0].id],
  )
})

test('[AS-09] a client key is published one rotation before it signs, and one after', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(kid => ({ kid })) as [
    object,
    object,
    object,
    object,
  ]
  const next = true
  const usedSince = new Date(HOUR).toISOString()
  assert.deepEqual(rotateClientKeys([], a, 0), [a])
  assert.deepEqual(rotateClientKeys([a], b, 0), [a, { ...b, next }])
  assert.deepEqual(rotateClientKeys([a, { ...b, next }], c, HOUR), [
    { ...b, usedSince },
    a,
    { ...c, next },
  ])
  // Of rings that were written before keys were marked, the last one is the next.
  assert.deepEqual(rotateClientKeys([b, a, c], d, HOUR), [{ ...c, usedSince }, b, { ...d, next }])
})

test('[K11, AS-09] the command leads through a rotation, and says which step is next', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-keys-'))
  t.after(() => removeFolder(folder))
  const file = join(folder, 'not/there/yet/keys.json')
  const keys = async (...args: string[]) =>
    (await run(process.execPath, ['bin/fhirstorm.js', 'keys', ...args, '--file', file])).stdout
  const read = async () => parseKeyRing(await readFile(file, 'utf8'))
  const refusal = async (...args: string[]) =>
    await keys(...args).then(
      () => assert.fail('not refused'),
      error => String(error.stderr),
    )
  assert.match(await refusal('status'), /^fhirstorm keys status: .* is not there: .*keys make/)
  await keys('make', '--client-alg', 'ES384')
  assert.equal((await stat(join(folder, 'not/there/yet'))).mode & 0o777, 0o700)
  assert.match(await refusal('make'), /is there already/)
  // The step can be pasted.
  assert.match(
    await keys('status'),
    /next: nothing waits; to change keys: fhirstorm keys add --file \/.*keys\.json\n$/,
  )
  assert.match(await refusal('promote'), /no key waits/)

  const [inUse] = (await read()).keys
  // The service's user, whoever changes the ring; only root can give it away.
  const owner = process.getuid?.() === 0 ? 1000 : undefined
  if (owner !== undefined) await chown(file, owner, owner)
  await chmod(file, 0o640)
  assert.match(await keys('add'), /next: when every process .*: fhirstorm keys promote/)
  const { mode, uid } = await stat(file)
  assert.equal(mode & 0o777, 0o640)
  if (owner !== undefined) assert.equal(uid, owner)
  assert.match(await refusal('add'), /waits to be promoted already/)
  assert.match(await refusal('rotate'), /waits to be promoted/)
  await keys('add', '--client-alg', 'ES384')
  const added = await read()
  assert.deepEqual(added.keys[0], inUse)
  assert.equal(added.keys.length, 2)
  assert.match(await keys('promote'), /after \d{4}-.*Z: fhirstorm keys retire/)
  const promoted = await read()
  assert.deepEqual(promoted.keys[1], inUse)
  assert.equal(promoted.keys[0].id, added.keys[1]?.id)
  assert.equal(promoted.clientKeys.length, 2)
  assert.equal((await read()).keys.length, 2)
  await keys('retire')
  assert.equal((await read()).keys.length, 2)
  assert.match(await keys('retire', '--keep-hours', '0.0000001'), /next: nothing waits/)
  assert.match(await keys('status'), /: 1 server key, 1 client key\n/)
  const retired = await read()
  assert.deepEqual(retired.keys, [promoted.keys[0]])
  assert.equal(retired.clientKeys.length, 1)
  for (const words of [
    ['made'],
    [],
    ['add', '--keep-hours', 'long'],
    ['retire', '--keep-hours', '0'],
    ['add', '--client-alg', 'RS1'],
  ]) {
    assert.match(await refusal(...words), /^fhirstorm keys: .* \(fhirstorm keys --help\)\n$/)
  }
})

test('[AS-04, AS-08] the command writes 0600, overwrites nothing, and exports no private member', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-keys-'))
  t.after(() => removeFolder(folder))
  const file = join(folder, 'keys.json')
  const fhirstorm = (...args: string[]) =>
    run(process.execPath, ['bin/fhirstorm.js', 'keys', ...args, '--file', file])
  await fhirstorm('make', '--client-alg', 'ES384')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const before = await readFile(file, 'utf8')
  await assert.rejects(fhirstorm('make'))
  assert.equal(await readFile(file, 'utf8'), before)
  await fhirstorm('rotate', '--client-alg', 'RS384')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const ring = parseKeyRing(await readFile(file, 'utf8'))
  assert.equal(ring.keys.length, 2)
  await fhirstorm('epoch')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(parseKeyRing(await readFile(file, 'utf8')), { ...ring, epoch: 1 })
  const { stdout } = await fhirstorm('export')
  const { keys } = JSON.parse(stdout)
  assert.deepEqual(
    keys.map(({ alg }: { alg: string }) => alg),
    ['ES384', 'RS384'],
  )
  for (const key of keys)
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.ok(!(member in key))
})
