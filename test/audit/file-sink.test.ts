// The file of audit lines on a real disk: groups, rotation, crashes by SIGKILL, a full disk, a file that goes.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FileSinkOptions, openFileSink } from '../../src/audit/file-sink.ts'
import { deriveSealKeys } from '../../src/audit/seal-keys.ts'
import { createSealer, createSealJudge } from '../../src/audit/seals.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { buildSigningKeySet } from '../../src/signing-keys.ts'
import { eventually } from '../world/eventually.ts'
import { makeTestFolder } from '../world/folder.ts'
import { killAfter } from './killed.ts'
import { judge, publicKeys, ring, seal } from './sealing.ts'

const eventOf = (id: number | string): string => JSON.stringify({ resourceType: 'AuditEvent', id })

const makePath = (t: TestContext) => join(makeTestFolder(t), 'audit.ndjson')

async function open(path: string, further: Partial<FileSinkOptions> = {}) {
  return await openFileSink({ path, rotateBytes: 1e6, seal, judge, ...further })
}

/** Events of a whole chain, by the ids in its files. */
async function eventsOf(path: string): Promise<Set<string>> {
  const verdict = await verifyChain(path, { judge })
  assert.equal(verdict.fault, undefined, JSON.stringify(verdict))
  const names = readdirSync(dirname(path)).filter(name => /\.ndjson(?:\.\d+)?$/.test(name))
  const lines = names.flatMap(name => readFileSync(join(dirname(path), name), 'utf8').split('\n'))
  const events = lines.filter(Boolean).flatMap(line => JSON.parse(line).event ?? [])
  const ids = new Set(events.map(({ id }) => String(id)))
  assert.deepEqual([ids.size, events.length], [verdict.events, verdict.events])
  return ids
}

test('[AU1] events are one chain through rotated files, restarts and a change of the key', async t => {
  const path = makePath(t)
  for (let start = 0; start < 3; start++) {
    const sink = await open(path, { rotateBytes: 4_000 })
    for (let id = 0; id < 20; id++) await sink.record(eventOf(`${start} ${id}`))
    await sink.close()
  }
  assert.equal((await eventsOf(path)).size, 60)
  assert.ok(readdirSync(dirname(path)).length > 4)
  const next = makeKeyRing(1)
  const keys = { ...ring, keys: [...next.keys, ...ring.keys] } as typeof ring
  const sealKeys = deriveSealKeys(keys)
  const both = createSealJudge(buildSigningKeySet(sealKeys).keys)
  const sink = await open(path, { seal: createSealer(sealKeys), judge: both })
  await sink.record(eventOf('by the new key'))
  await sink.close()
  const ofNew = createSealJudge(buildSigningKeySet(deriveSealKeys(next)).keys)
  // The end is sealed by the new key, and it covers all that came before.
  assert.equal((await verifyChain(path, { judge: ofNew })).fault, undefined)
  assert.equal((await verifyChain(path, { judge })).fault?.reason, 'unknown_key')
  await assert.rejects(open(path), /unknown_key/)
})

test('[AU1] letters at which lines of text end are in an event as they are, over a restart', async t => {
  const path = makePath(t)
  for (const start of [1, 2]) {
    const sink = await open(path)
    for (const letter of ['\u2028', '\u2029', '\u0085']) await sink.record(eventOf(start + letter))
    await sink.close()
  }
  assert.equal((await eventsOf(path)).size, 6)
})

test('[AU1] no start goes on behind a file that was cut, put away or given another end', async t => {
  const path = makePath(t)
  const sink = await open(path)
  for (let id = 0; id < 50; id++) await sink.record(eventOf(id))
  await sink.close()
  const [text, head] = [readFileSync(path, 'utf8'), readFileSync(`${path}.head`, 'utf8')]
  const refuses = async (message: RegExp) => {
    const before = statSync(path, { throwIfNoEntry: false })?.size
    await assert.rejects(open(path), { name: 'AuditRefusal', message })
    assert.equal(statSync(path, { throwIfNoEntry: false })?.size, before)
  }
  writeFileSync(path, `${text.split('\n').slice(0, 40).join('\n')}\n`)
  await refuses(/audit\.path: .*audit\.ndjson: line 41: cut_off; .*verify says more/)
  writeFileSync(path, text.replace('"id":30}', '"id":7}'))
  await refuses(/line 61: changed/)
  writeFileSync(path, text)
  writeFileSync(`${path}.head`, head.replace('"count":100', '"count":20'))
  await refuses(/line 20: forged/)
  writeFileSync(`${path}.head`, head.slice(0, 30))
  await refuses(/line 1: end_unknown/)
  rmSync(`${path}.head`)
  await refuses(/line 1: end_unknown/)
  writeFileSync(`${path}.head`, head)
  rmSync(path)
  await refuses(/line 1: cut_off/)
  writeFileSync(path, text)
  await (await open(path)).close()
})

test('[AU1] a start cuts nothing behind which there is a seal, whatever end was noted', async t => {
  const path = makePath(t)
  const first = await open(path)
  await first.record(eventOf(0))
  await first.close()
  const early = readFileSync(`${path}.head`, 'utf8')
  const second = await open(path)
  for (let id = 1; id < 5; id++) await second.record(eventOf(id))
  await second.close()
  const [text, late] = [readFileSync(path, 'utf8'), readFileSync(`${path}.head`, 'utf8')]
  for (const head of [early, late]) {
    writeFileSync(`${path}.head`, head)
    for (const id of [2, 4]) {
      const changed = text.replace(`"id":${id}}`, `"id":7}`)
      writeFileSync(path, changed)
      await assert.rejects(open(path), new RegExp(`line ${2 * id + 1}: changed`))
      assert.equal(readFileSync(path, 'utf8'), changed)
    }
  }
  // With the end of before, and all lines, it goes on at the last seal.
  writeFileSync(path, text)
  writeFileSync(`${path}.head`, early)
  const third = await open(path)
  assert.equal(third.head.count, 10)
  await third.close()
})

test('[AU1] what a crash tore is cut at the next start, and what somebody put in behind too', async t => {
  const path = makePath(t)
  const sink = await open(path)
  await sink.record(eventOf(1))
  await sink.close()
  const { size } = statSync(path)
  const lines = readFileSync(path, 'utf8').split('\n')
  for (const [tail, isUnsealed] of [
    ['{"seq":3,"prev":"00', true],
    ['\0\0\0\0', true],
    [`${lines[0]}\n{"seq":4`, false],
  ] as const) {
    appendFileSync(path, tail)
    const { fault } = await verifyChain(path, { judge })
    assert.equal(fault?.reason, isUnsealed ? 'unsealed' : 'out_of_order')
    const again = await open(path)
    assert.equal(again.cut, tail.length)
    await again.close()
    assert.equal(statSync(path).size, size)
  }
  const again = await open(path)
  await again.record(eventOf(2))
  await again.close()
  assert.deepEqual([...(await eventsOf(path))], ['1', '2'])
})

test('[AU2] more events than may wait are refused, and so is all after the end', async t => {
  const [path, event] = [makePath(t), eventOf(1_000_000)]
  const sink = await open(path, { maxWaitingBytes: 5 * event.length })
  const told = await Promise.allSettled(
    Array.from({ length: 9 }, (_, id) => sink.record(eventOf(1_000_000 + id))),
  )
  assert.equal(told.filter(({ status }) => status === 'rejected').length, 4)
  await sink.record(event)
  await sink.close()
  await assert.rejects(sink.record(event), { code: 'AUDIT_CLOSED' })
  assert.equal((await verifyChain(path, { judge })).events, 6)
})

test('[AU1] where nobody waits events gather, and share a seal and an fsync', async t => {
  const path = makePath(t)
  const sink = await open(path, { gatherMs: 50 })
  const recorded: Promise<void>[] = []
  for (let id = 0; id < 60; id++) {
    recorded.push(sink.record(eventOf(id)))
    await new Promise(setImmediate)
  }
  await Promise.all(recorded)
  await sink.close()
  const { events, to } = await verifyChain(path, { judge })
  assert.equal(events, 60)
  assert.ok(to - events < 20, `${to - events} seals`)
})

test('[AU1] files that need not stay go, the oldest first, and the rest is whole', async t => {
  const path = makePath(t)
  let mayLose = 0
  const sink = await open(path, { rotateBytes: 2_000, keep: 2, mayLose: () => mayLose })
  for (let id = 0; id < 60; id++) await sink.record(eventOf(id))
  const aside = () =>
    readdirSync(dirname(path))
      .map(name => Number(/\.(\d+)$/.exec(name)?.[1]))
      .filter(Number.isInteger)
      .sort((a, b) => a - b)
  const all = aside()
  assert.ok(all.length > 4)
  assert.equal((await verifyChain(path, { judge })).from, 1)
  mayLose = all[1] ?? 0
  await sink.prune()
  assert.deepEqual(aside(), all.slice(2))
  mayLose = Number.POSITIVE_INFINITY
  await sink.prune()
  assert.deepEqual(aside(), all.slice(-2))
  await sink.close()
  const { from, fault } = await verifyChain(path, { judge })
  assert.deepEqual([from, fault], [(all.at(-3) ?? 0) + 1, undefined])
  rmSync(`${path}.${all.at(-2)}`)
  assert.equal((await verifyChain(path, { judge })).fault?.reason, 'missing')
})

test('[AU5] whatever was acknowledged before SIGKILL is in the file, in 20 rounds', async t => {
  const path = makePath(t)
  const url = (file: string) => new URL(file, import.meta.url).href
  const script = `import { openFileSink } from '${url('../../src/audit/file-sink.ts')}'
    import { deriveSealKeys } from '${url('../../src/audit/seal-keys.ts')}'
    import { createSealer, createSealJudge } from '${url('../../src/audit/seals.ts')}'
    const [path, round, secret] = process.argv.slice(1)
    const key = { id: 'test', createdAt: 0, secret: Buffer.from(secret, 'hex') }
    const keys = deriveSealKeys({ keys: [key], epoch: 0, clientKeys: [] })
    const judge = createSealJudge(keys.map(({ publicJwk }) => publicJwk))
    const sink = await openFileSink({ path, rotateBytes: 20000, seal: createSealer(keys), judge })
    for (let id = 0; ; id++) {
      const name = round + '-' + id
      const recorded = sink.record(JSON.stringify({ id: name }))
      recorded.then(() => process.stdout.write(name + '\\n'))
      if (id % 7 === 0) await new Promise(setImmediate)
      if (id % 300 === 0) await recorded
    }`
  const acknowledged: string[] = []
  const secret = ring.keys[0].secret.toString('hex')
  for (let round = 0; round < 20; round++) {
    const words = [path, `r${round}`, secret]
    acknowledged.push(...(await killAfter(20 + 10 * round, script, ...words)))
  }
  await (await open(path)).close()
  const written = await eventsOf(path)
  assert.ok(acknowledged.length >= 400)
  assert.deepEqual(
    acknowledged.filter(name => !written.has(name)),
    [],
  )
})

const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0

test('[AU2] on a full disk events are refused, and it goes on where there is room again', {
  skip: !canMount && 'no mount namespaces here',
}, async t => {
  const folder = dirname(makePath(t))
  const program = join(import.meta.dirname, 'full-disk.ts')
  const mount = 'mount -t tmpfs -o size=96k none "$0" && exec "$@"'
  const words = [...['-rm', 'sh', '-c', mount, folder], process.execPath, program, folder]
  const { status, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const { recorded, refused, inFile, verdict } = JSON.parse(stdout)
  assert.ok(refused.length >= 5 && recorded.length > 50, stdout)
  assert.equal(verdict.fault, undefined, JSON.stringify(verdict))
  // What is on the disk is known: all that was acknowledged, and nothing that was refused.
  assert.deepEqual(inFile, recorded)
})

test('[AU2] a limit on the size of files refuses events, and nothing of them is left', async t => {
  const path = makePath(t)
  const sink = await open(path)
  await sink.record(eventOf('before'))
  // A signal would end a process without a handler for it.
  const nothing = () => {}
  process.on('SIGXFSZ', nothing)
  const limit = (bytes: string) =>
    spawnSync('prlimit', [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`])
  limit(String(statSync(path).size + 100))
  await assert.rejects(sink.record(eventOf('while')), { code: 'EFBIG' })
  limit('unlimited')
  process.off('SIGXFSZ', nothing)
  await sink.record(eventOf('after'))
  await sink.close()
  assert.deepEqual([...(await eventsOf(path))], ['before', 'after'])
})

test('[AU1] a file that is taken away while it is written is told, and found', async t => {
  const path = makePath(t)
  const faults: unknown[] = []
  const sink = await open(path, { onFault: error => faults.push(error) })
  await sink.record(eventOf(1))
  renameSync(path, `${path}.away`)
  assert.ok(await eventually(() => faults.length > 0))
  assert.match(String(faults[0]), /AUDIT_FILE_GONE/)
  await sink.record(eventOf(2))
  await sink.close()
  assert.ok(existsSync(path), basename(path))
  assert.equal((await verifyChain(path, { judge })).fault?.reason, 'missing')
})

test('public keys are what verifies', () => {
  assert.ok(publicKeys.keys.every(key => !JSON.stringify(key).includes('"d"')))
})

test('[AU1] a sink that has ended leaves the note to whoever has the chain by then', async t => {
  const path = makePath(t)
  const sink = await open(path)
  await sink.record(eventOf(1))
  await sink.close()
  const next = await open(path)
  await next.record(eventOf(2))
  await next.close()
  const note = readFileSync(`${path}.head`, 'utf8')
  await sink.close()
  assert.equal(readFileSync(`${path}.head`, 'utf8'), note)
})

test('[AU2] a start bears a full disk, and no other fault of it', async t => {
  const path = makePath(t)
  await (await open(path)).close()
  mkdirSync(`${path}.head.new`)
  await assert.rejects(open(path), { code: 'EISDIR' })
  // What is left open ends a process once its memory is cleared up.
  assert.equal(countOpen(path), 0)
  rmSync(`${path}.head.new`, { recursive: true })
  await (await open(path)).close()
})

/** How often this process has a file open. */
function countOpen(path: string): number {
  const links = readdirSync('/proc/self/fd').map(number => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`)
    } catch {
      return ''
    }
  })
  return links.filter(link => link === path).length
}

test('[AU1] however many events come, the file is open once, and not at all after the end', async t => {
  const path = makePath(t)
  const sink = await open(path, { rotateBytes: 5_000 })
  for (let id = 0; id < 30; id++) await sink.record(eventOf(id))
  assert.equal(countOpen(path), 1)
  const aside = readdirSync(dirname(path)).filter(name => /\.\d+$/.test(name))
  assert.ok(aside.length > 1)
  for (const name of aside) assert.equal(countOpen(join(dirname(path), name)), 0)
  await sink.close()
  assert.equal(countOpen(path), 0)
})

test('[AU1] a file that is there is no fault, and one that cannot be made again is told of once', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const path = makePath(t)
  const faults: unknown[] = []
  const onFault = (error: unknown) => void faults.push((error as { code?: string }).code)
  const sink = await open(path, { onFault })
  /** The look that is taken each second; what stands behind it in turn is over when this resolves. */
  const look = async () => {
    t.mock.timers.tick(1_000)
    await sink.prune()
  }
  await sink.record(eventOf(1))
  for (let i = 0; i < 3; i++) await look()
  assert.deepEqual(faults, [])
  renameSync(path, `${path}.away`)
  mkdirSync(path)
  for (let i = 0; i < 3; i++) await look()
  assert.deepEqual(faults, ['EISDIR'])
  await assert.rejects(sink.record(eventOf(2)), { code: 'EISDIR' })
  rmSync(path, { recursive: true })
  renameSync(`${path}.away`, path)
  await sink.close()
})
