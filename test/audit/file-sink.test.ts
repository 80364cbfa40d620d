// The file of audit lines on a real disk: groups, rotation, crashes by SIGKILL, tampering, a full disk.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileSink, verifyFiles } from '../../src/audit/file-sink.ts'

const LIMITS = { rotateBytes: 2_000, maxWaiting: 1_000 }
const eventOf = (id: number): string => JSON.stringify({ resourceType: 'AuditEvent', id })

function makePath(t: { after(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'audit.ndjson')
}

test('events are one chain through rotated files and restarts', async t => {
  const path = makePath(t)
  for (let start = 0; start < 3; start++) {
    const sink = await openFileSink({ path, ...LIMITS })
    for (let id = 0; id < 20; id++) await sink.record(eventOf(id))
    await sink.close()
  }
  const found = await verifyFiles(path)
  assert.ok('count' in found)
  assert.equal(found.count, 60)
  assert.ok(readdirSync(join(path, '..')).length > 4)
})

test('a file that was cut or put away is found, and no start goes on behind it', async t => {
  const path = makePath(t)
  const sink = await openFileSink({ path, rotateBytes: 1e6, maxWaiting: 1_000 })
  await Promise.all(Array.from({ length: 50 }, (_, id) => sink.record(eventOf(id))))
  await sink.close()
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, `${lines.slice(0, 40).join('\n')}\n`)
  assert.deepEqual(await verifyFiles(path), { line: 41, reason: 'cut_off' })
  await assert.rejects(openFileSink({ path, ...LIMITS }), /line 41 is cut_off/)
  rmSync(path)
  assert.deepEqual(await verifyFiles(path), { line: 1, reason: 'cut_off' })
})

test('a line that a crash tore is cut at the next start', async t => {
  const path = makePath(t)
  const sink = await openFileSink({ path, ...LIMITS })
  await sink.record(eventOf(1))
  await sink.close()
  appendFileSync(path, '{"seq":2,"prev":"00')
  const again = await openFileSink({ path, ...LIMITS })
  await again.record(eventOf(2))
  await again.close()
  const found = await verifyFiles(path)
  assert.ok('count' in found && found.count === 2)
})

test('more events than may wait are refused, and so is all after the end', async t => {
  const sink = await openFileSink({ path: makePath(t), rotateBytes: 1e6, maxWaiting: 5 })
  const told = await Promise.allSettled(
    Array.from({ length: 9 }, (_, id) => sink.record(eventOf(id))),
  )
  assert.equal(told.filter(({ status }) => status === 'rejected').length, 4)
  await sink.close()
  await assert.rejects(sink.record(eventOf(9)), /closed/)
})

test('whatever was acknowledged before SIGKILL is in the file, in 20 rounds', async t => {
  const path = makePath(t)
  const module = new URL('../../src/audit/file-sink.ts', import.meta.url).href
  const script = `import { openFileSink } from '${module}'
    const sink = await openFileSink({ path: process.argv[1], rotateBytes: 20000, maxWaiting: 1000 })
    for (let id = 0; ; id++) {
      const name = process.argv[2] + '-' + id
      sink.record(JSON.stringify({ id: name })).then(() => process.stdout.write(name + '\\n'))
      if (id % 7 === 0) await new Promise(setImmediate)
      while (id - 500 > Number(globalThis.done ?? 0)) { await sink.record('{"id":"pause"}'); globalThis.done = id }
    }`
  const acknowledged: string[] = []
  for (let round = 0; round < 20; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path, `r${round}`])
    let text = ''
    child.stdout.on('data', part => {
      text += part
      if (text.split('\n').length > 20 + 10 * round) child.kill('SIGKILL')
    })
    await once(child, 'close')
    acknowledged.push(...text.split('\n').slice(0, -1))
  }
  await (await openFileSink({ path, ...LIMITS })).close()
  const found = await verifyFiles(path)
  assert.ok('count' in found, JSON.stringify(found))
  const written = new Set(
    readdirSync(join(path, '..'))
      .filter(name => !name.endsWith('.head'))
      .flatMap(name =>
        readFileSync(join(path, '..', name), 'utf8')
          .trim()
          .split('\n'),
      )
      .map(line => line && JSON.parse(line).event.id),
  )
  assert.ok(acknowledged.length >= 400)
  assert.deepEqual(
    acknowledged.filter(name => !written.has(name)),
    [],
  )
})

test('the command names the line that breaks the chain, and echoes nothing of it', async t => {
  const path = makePath(t)
  const main = new URL('../../program/main.ts', import.meta.url).pathname
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [main, 'audit', ...args], { encoding: 'utf8' })
  assert.equal(run('verify', path).status, 1)
  assert.equal(run('verify').status, 2)
  assert.equal(run('mend', path).status, 2)
  const sink = await openFileSink({ path, ...LIMITS })
  for (let id = 0; id < 20; id++) await sink.record(eventOf(id))
  await sink.close()
  assert.match(run('verify', path).stdout, /^20 lines, whole; the last is [0-9a-f]{64}\n$/)
  const [aside = ''] = readdirSync(join(path, '..')).filter(name => /\d$/.test(name))
  const file = join(path, '..', aside)
  writeFileSync(file, readFileSync(file, 'utf8').replace('"id":1}', '"id":7}'))
  const { status, stderr } = run('verify', path)
  assert.deepEqual([status, stderr], [1, 'fhirstorm: line 2 was changed\n'])
})
