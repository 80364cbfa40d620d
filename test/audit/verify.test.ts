// Whatever is done to audit files is found, with their line: by the command, on files of several processes, with
// public keys and without.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { audit } from '../../program/cli/audit.ts'
import { type Head, linkLine, linkSeal, START } from '../../src/audit/chain.ts'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { deriveSealKeys } from '../../src/audit/seal-keys.ts'
import { createSealer } from '../../src/audit/seals.ts'
import { type Verdict, verifyChain, verifyChains } from '../../src/audit/verify.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'
import { runWithin } from '../program/cli/within.ts'
import { removeFolder } from '../world/folder.ts'
import { judge, publicKeys, ring, seal } from './sealing.ts'

const eventOf = (id: number): string => JSON.stringify({ resourceType: 'AuditEvent', id })

const folder = mkdtempSync(join(tmpdir(), 'audit-verify-'))
after(() => removeFolder(folder))
const original = join(folder, 'original')
const early = join(folder, 'early')
/** Three processes, each with files that were put aside. */
for (const [number, name] of ['audit.ndjson', 'audit.1.ndjson', 'audit.2.ndjson'].entries()) {
  const path = join(original, name)
  const firstPath = join(original, 'audit.ndjson')
  const sink = await openFileSink({ path, firstPath, rotateBytes: 4_000, seal, judge })
  for (let id = 0; id < 30; id++) {
    await Promise.all([sink.record(eventOf(100 * number + id)), sink.record(eventOf(-id))])
    if (id === 20 && number === 0) cpSync(original, early, { recursive: true })
  }
  await sink.close()
}
// The first one sees the others, as it does while it runs.
const again = await openFileSink({
  ...{ path: join(original, 'audit.ndjson'), rotateBytes: 4_000, seal, judge },
})
await again.close()

const asideOf = (place: string, name = 'audit.ndjson') =>
  readdirSync(place)
    .filter(other => other.startsWith(`${name}.`) && /\.\d+$/.test(other))
    .map(other => Number(other.split('.').at(-1)))
    .sort((a, b) => a - b)

let copies = 0
/** What is found after something was done to a copy. */
async function foundAfter(act: (place: string, path: string) => void, name = 'audit.ndjson') {
  const place = join(folder, `copy-${++copies}`)
  cpSync(original, place, { recursive: true })
  act(place, join(place, name))
  const found = await verifyChains(join(place, 'audit.ndjson'), { judge })
  return found.flatMap(({ file, fault }) => fault && `${file}:${fault.line} ${fault.reason}`)
}

const edit = (path: string, change: (lines: string[]) => string[]) => {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  writeFileSync(path, `${change(lines).join('\n')}\n`)
}
const seqOf = (line: string | undefined): number => JSON.parse(line ?? '{}').seq

test('[AU1] what nobody touched is whole, with keys and without, whoever copies it', async () => {
  assert.deepEqual(await foundAfter(() => {}), [undefined, undefined, undefined])
  const found = await verifyChains(join(original, 'audit.ndjson'))
  assert.deepEqual(
    found.map(({ file, events, from, to, fault }: Verdict) => [file, events, from, to, fault]),
    ['audit.ndjson', 'audit.1.ndjson', 'audit.2.ndjson'].map(name => [
      ...[name, 60, 1, 90, undefined],
    ]),
  )
})

test('[AU1] a line that is removed, changed, moved, doubled or put in is found in any file', async () => {
  const aside = asideOf(original)
  assert.ok(aside.length >= 3)
  for (const name of ['audit.ndjson', `audit.ndjson.${aside[0]}`, `audit.ndjson.${aside[1]}`]) {
    const [first] = readFileSync(join(original, name), 'utf8').split('\n')
    const begin = seqOf(first)
    const fault = async (change: (lines: string[]) => string[]) =>
      (await foundAfter((_place, path) => edit(path, change), name))[0]
    const at = (line: number, reason: string) => `audit.ndjson:${line} ${reason}`
    assert.equal(await fault(lines => lines.toSpliced(1, 1)), at(begin + 1, 'missing'))
    const renamed = (line = '') => line.replace('AuditEvent', 'AuditEvenT')
    assert.equal(await fault(lines => lines.with(1, renamed(lines[1]))), at(begin + 1, 'changed'))
    assert.equal(
      await fault(lines => [lines[1] ?? '', lines[0] ?? '', ...lines.slice(2)]),
      // Of the very first line its place is known by its number alone.
      at(begin, 'missing'),
    )
    assert.equal(
      await fault(lines => lines.toSpliced(1, 0, lines[0] ?? '')),
      at(begin + 1, 'out_of_order'),
    )
    assert.equal(await fault(lines => lines.toSpliced(1, 0, '{}')), at(begin + 1, 'unreadable'))
  }
})

test('[AU1] a file that is removed, moved or brought back from before is found', async () => {
  const aside = asideOf(original)
  const [first, second] = aside
  const last = aside.at(-1) ?? 0
  const at = (line: number, reason: string) => [
    `audit.ndjson:${line} ${reason}`,
    undefined,
    undefined,
  ]
  const remove = (name: string) => foundAfter(place => rmSync(join(place, name)))
  assert.deepEqual(await remove(`audit.ndjson.${first}`), at(1, 'missing'))
  assert.deepEqual(await remove(`audit.ndjson.${second}`), at((first ?? 0) + 1, 'missing'))
  assert.deepEqual(await remove('audit.ndjson'), at(last + 1, 'cut_off'))
  assert.deepEqual(await remove('audit.ndjson.head'), at(1, 'end_unknown'))
  assert.deepEqual(
    await foundAfter(place => {
      for (const name of readdirSync(place)) {
        if (name.startsWith('audit.2.')) rmSync(join(place, name))
      }
    }),
    [undefined, undefined, 'audit.2.ndjson:1 end_unknown'],
  )
  assert.deepEqual(
    await foundAfter(place =>
      renameSync(join(place, `audit.ndjson.${first}`), join(place, `audit.ndjson.${last - 1}`)),
    ),
    at(1, 'missing'),
  )
  // The file of a copy from before, beside today's end.
  assert.deepEqual(
    await foundAfter(place => {
      const [own, old] = [join(place, 'audit.ndjson'), join(early, 'audit.ndjson')]
      for (const name of asideOf(place)) {
        if (!asideOf(early).includes(name)) rmSync(`${own}.${name}`)
      }
      copyFileSync(old, own)
    }),
    at(64, 'cut_off'),
  )
  // Another process's chain in the place of the first one's.
  const [fault] = await foundAfter(place => {
    for (const name of [
      'audit.ndjson',
      'audit.ndjson.head',
      ...aside.map(n => `audit.ndjson.${n}`),
    ]) {
      rmSync(join(place, name))
    }
    for (const name of readdirSync(place).filter(other => other.startsWith('audit.1.'))) {
      copyFileSync(join(place, name), join(place, name.replace('.1.', '.')))
    }
  })
  assert.match(String(fault), /forged/)
})

/** All lines again, as somebody writes them who has not the ring. */
function rewrite(place: string, sealAs: typeof seal, drop: number): void {
  const path = join(place, 'audit.ndjson')
  const files = [...asideOf(place).map(number => `${path}.${number}`), path]
  const lines = files.flatMap(file => readFileSync(file, 'utf8').split('\n').filter(Boolean))
  for (const file of files) rmSync(file)
  let head: Head = START
  const written = lines.toSpliced(drop, 1).map(line => {
    const { event } = JSON.parse(line)
    const linked = event
      ? linkLine(head, JSON.stringify(event))
      : linkSeal(head, sealAs({ name: 'audit.ndjson', ...head }))
    head = linked.head
    return linked.line
  })
  writeFileSync(path, `${written.join('\n')}\n`)
  const noted = { ...head, from: 1, chains: 3 }
  const signed = sealAs({ name: 'audit.ndjson', ...head, note: '1\n3' })
  writeFileSync(`${path}.head`, JSON.stringify({ ...noted, ...signed }))
}

test('[AU1] whoever rewrites the whole chain needs the key ring', async () => {
  const [own] = publicKeys.keys
  const stranger = createSealer(deriveSealKeys(makeKeyRing(1)))
  const posing: typeof seal = sealed => ({ ...stranger(sealed), kid: own?.kid ?? '' })
  const rewritten = (sealAs: typeof seal) => foundAfter(place => rewrite(place, sealAs, 4))
  assert.deepEqual((await rewritten(stranger))[0], 'audit.ndjson:89 unknown_key')
  assert.deepEqual((await rewritten(posing))[0], 'audit.ndjson:89 forged')
  // The seals are what finds it: by its hashes alone the chain is whole.
  const place = join(folder, 'rewritten')
  cpSync(original, place, { recursive: true })
  rewrite(place, posing, 4)
  const path = join(place, 'audit.ndjson')
  assert.equal((await verifyChain(path)).fault, undefined)
  // And an end that was noted elsewhere finds it without keys.
  const { to, hash } = await verifyChain(join(original, 'audit.ndjson'))
  const known = { count: to, hash }
  assert.equal((await verifyChain(path, { known })).fault?.reason, 'cut_off')
  assert.equal((await verifyChain(join(original, 'audit.ndjson'), { known })).fault, undefined)
  const other = { count: 50, hash: 'f'.repeat(64) }
  assert.deepEqual((await verifyChain(path, { known: other })).fault, {
    line: 50,
    reason: 'forged',
  })
})

test('[AU1] lines behind the noted end count by their seal alone', async () => {
  const head: Head = { count: 90, hash: (await verifyChain(join(original, 'audit.ndjson'))).hash }
  const further = (sealAs: typeof seal) => {
    const event = linkLine(head, eventOf(7))
    const sealed = linkSeal(event.head, sealAs({ name: 'audit.ndjson', ...event.head }))
    return foundAfter((_place, path) => appendFileSync(path, `${event.line}\n${sealed.line}\n`))
  }
  assert.deepEqual((await further(seal))[0], undefined)
  const [own] = publicKeys.keys
  const stranger = createSealer(deriveSealKeys(makeKeyRing(1)))
  assert.equal((await further(stranger))[0], 'audit.ndjson:92 unknown_key')
  const posing: typeof seal = sealed => ({ ...stranger(sealed), kid: own?.kid ?? '' })
  assert.equal((await further(posing))[0], 'audit.ndjson:92 forged')
})

test('[AU1] a service that writes and rotates meanwhile disturbs no verification', async t => {
  const path = join(folder, 'live', 'audit.ndjson')
  const sink = await openFileSink({ path, rotateBytes: 3_000, keep: 3, seal, judge })
  t.after(() => sink.close())
  let isOver = false
  const writing = (async () => {
    for (let id = 0; !isOver; id++) await sink.record(eventOf(id))
  })()
  let events = 0
  for (let round = 0; round < 20 || events < 40; round++) {
    const { fault, to } = await verifyChain(path, { judge })
    assert.equal(fault, undefined, JSON.stringify(fault))
    events = Math.max(events, to)
  }
  isOver = true
  await writing
})

test('the command tells the first line that breaks each chain, and echoes nothing of it', async () => {
  const place = join(folder, 'command')
  cpSync(original, place, { recursive: true })
  const [path, keys, set] = ['audit.ndjson', 'keys.json', 'set.json'].map(name => join(place, name))
  const run = (...args: string[]) => runWithin(audit, ...args)
  assert.equal((await run('verify', join(place, 'nothing'))).status, 1)
  assert.match(
    (await run('verify', join(place, 'nothing', 'nothing'))).error,
    /nothing is not there\n$/,
  )
  for (const wrong of [['verify'], ['mend', path], ['keys', path], ['verify', path, path]]) {
    assert.equal((await run(...(wrong as string[]))).status, 2, wrong.join())
  }
  writeFileSync(keys ?? '', printKeyRing(ring), { mode: 0o600 })
  const printed = await run('keys', '--file', keys ?? '')
  assert.deepEqual(JSON.parse(printed.out), publicKeys)
  writeFileSync(set ?? '', printed.out)
  const plain = await run('verify', path ?? '')
  assert.match(
    plain.out,
    /^audit\.ndjson: 60 events in lines 1 to 90, whole, seals not judged \(--keys\); end 90:[0-9a-f]{64}\n/,
  )
  const [, end = ''] = /end (\S+)/.exec(plain.out) ?? []
  for (const file of [keys, set]) {
    const told = await run('verify', path ?? '', '--keys', file ?? '', '--head', end)
    assert.equal(told.status, 0, told.error)
    assert.match(told.out, /whole, sealed by these keys/)
  }
  assert.equal((await run('verify', path ?? '', '--head', '90:00')).status, 2)
  assert.match(
    (await run('verify', path ?? '', '--keys', path ?? '')).error,
    /--keys: audit\.ndjson: not a key set/,
  )
  assert.equal((await run('verify', path ?? '', '--keys', 'nowhere')).status, 2)
  const later = await run('verify', path ?? '', '--head', `91:${'0'.repeat(64)}`)
  assert.equal(
    `${later.status} ${later.error}`,
    '1 fhirstorm: audit.ndjson: line 91 and what came after it are missing\n',
  )

  // The same as a program, by its first word.
  const main = new URL('../../program/main.ts', import.meta.url).pathname
  const started = spawnSync(process.execPath, [main, 'audit', 'verify', path ?? ''], {
    encoding: 'utf8',
  })
  assert.deepEqual([started.status, started.stdout], [0, plain.out])

  const one = join(place, 'audit.1.ndjson')
  writeFileSync(one, readFileSync(one, 'utf8').replace('AuditEvent', 'secret detail'))
  const broken = await run('verify', path ?? '')
  assert.equal(broken.status, 1)
  assert.match(broken.error, /^fhirstorm: audit\.1\.ndjson: line \d+ was changed\n$/)
  const { ok, seals, chains } = JSON.parse((await run('verify', path ?? '', '--json')).out)
  assert.deepEqual([ok, seals, chains.length], [false, 'not judged', 3])
  assert.equal(chains[1].fault.reason, 'changed')
  assert.equal(JSON.parse((await run('verify', join(place, 'x'), '--json')).out).ok, false)
})
