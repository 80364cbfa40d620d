// Where a chain goes on at a start, and which chains none goes on with: what was acknowledged is never cut away, and
// what somebody wrote who has not the ring is never taken for ours.

import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Head, linkLine, linkSeal, START } from '../../src/audit/chain.ts'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { judgeChain, openChain } from '../../src/audit/open-chain.ts'
import { deriveSealKeys } from '../../src/audit/seal-keys.ts'
import { createSealer, type Sealer } from '../../src/audit/seals.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { removeFolder } from '../world/folder.ts'
import { judge, publicKeys, seal } from './sealing.ts'

const eventOf = (id: number): string => JSON.stringify({ resourceType: 'AuditEvent', id })
const stranger = createSealer(deriveSealKeys(makeKeyRing(1)))
/** Under the name of our key. */
const posing: Sealer = sealed => ({ ...stranger(sealed), kid: publicKeys.keys[0]?.kid ?? '' })

/** A chain of five events, each with its seal; the ends that were noted before the first, after it and at last. */
async function makeChain(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'audit-open-'))
  t.after(() => removeFolder(folder))
  const path = join(folder, 'audit.ndjson')
  const note = `${path}.head`
  const first = await openFileSink({ path, rotateBytes: 1e6, seal, judge })
  const begun = readFileSync(note, 'utf8')
  await first.record(eventOf(0))
  await first.close()
  const early = readFileSync(note, 'utf8')
  const second = await openFileSink({ path, rotateBytes: 1e6, seal, judge })
  for (let id = 1; id < 5; id++) await second.record(eventOf(id))
  await second.close()
  const late = readFileSync(note, 'utf8')
  return {
    path,
    note,
    begun,
    early,
    late,
    lines: readFileSync(path, 'utf8').split('\n'),
    end: second.head,
  }
}

/** A start is refused, and leaves the folder as it is. */
async function refuses(path: string, expected: RegExp | object): Promise<void> {
  const look = () =>
    readdirSync(dirname(path), { withFileTypes: true }).map(entry => [
      entry.name,
      entry.isFile() && readFileSync(join(entry.parentPath, entry.name), 'latin1'),
    ])
  const before = look()
  await assert.rejects(openChain(path, { seal, judge }), expected)
  await assert.rejects(judgeChain(path, judge), expected)
  assert.deepEqual(look(), before)
}

/** A chain of these events, each sealed by somebody. */
function write(events: readonly string[], sealAs: Sealer, from: Head = START): string {
  let head = from
  let text = ''
  for (const event of events) {
    const linked = linkLine(head, event)
    const sealed = linkSeal(linked.head, sealAs({ name: 'audit.ndjson', ...linked.head }))
    text += `${linked.line}\n${sealed.line}\n`
    head = sealed.head
  }
  return text
}

test('[AU1] an event that was taken out before the last seal is found, whatever end was noted', async t => {
  const { path, note, begun, early, late, lines } = await makeChain(t)
  writeFileSync(path, lines.toSpliced(8, 1).join('\n'))
  for (const end of [begun, early, late]) {
    writeFileSync(note, end)
    await refuses(path, /line 9: missing/)
  }
  // The first group of all, whose file nobody has put aside.
  writeFileSync(path, lines.slice(2).join('\n'))
  writeFileSync(note, begun)
  await refuses(path, /line 1: missing/)
})

test('[AU1] what was written behind the noted end counts by our seal alone', async t => {
  const { path, lines, end } = await makeChain(t)
  for (const sealAs of [stranger, posing]) {
    writeFileSync(path, `${lines.join('\n')}${write([eventOf(7)], sealAs, end)}`)
    await refuses(path, /line 12: forged/)
  }
  writeFileSync(path, `${lines.join('\n')}${write([eventOf(7)], seal, end)}`)
  assert.equal((await openChain(path, { seal, judge })).head.count, 12)
})

test('[AU1] another chain of the same length is not the one whose end was noted', async t => {
  const { path, note, early, late } = await makeChain(t)
  const events = [7, 1, 2, 3, 4].map(eventOf)
  for (const sealAs of [stranger, posing, seal]) {
    writeFileSync(path, write(events, sealAs))
    for (const [end, line] of [
      [early, 2],
      [late, 10],
    ] as const) {
      writeFileSync(note, end)
      await refuses(path, new RegExp(`line ${line}: forged`))
    }
  }
})

test('[AU1] a last line that was noted and is torn or changed is told of as such', async t => {
  const { path, lines } = await makeChain(t)
  writeFileSync(path, lines.join('\n').slice(0, -10))
  await refuses(path, /line 10: unreadable/)
  assert.deepEqual((await verifyChain(path)).fault, { line: 10, reason: 'unreadable' })
  const last = String(lines[9])
  writeFileSync(path, lines.with(9, last.replace('"signature":"', '"signature":"A')).join('\n'))
  await refuses(path, /line 10: (changed|unreadable)/)
})

test('[AU1] a noted end that is none, or of another key, is refused', async t => {
  const { path, note, late } = await makeChain(t)
  const { count, hash, from, chains, kid, signature } = JSON.parse(late)
  const whole = { count, hash, from, chains, kid, signature }
  for (const none of [
    ...[null, 7, 'end', [], {}, { ...whole, count: '10' }, { ...whole, from: 1.5 }],
    ...[
      { ...whole, hash: 7 },
      { ...whole, kid: undefined },
      { ...whole, chains: null },
    ],
  ]) {
    writeFileSync(note, JSON.stringify(none))
    await refuses(path, /line 1: end_unknown/)
  }
  writeFileSync(note, JSON.stringify({ ...whole, chains: 7 }))
  await refuses(path, /line 10: forged/)
  writeFileSync(note, JSON.stringify({ ...whole, kid: 'another' }))
  await refuses(path, /line 10: unknown_key/)
})

test('[AU1] what cannot be read is not taken for what is not there', async t => {
  const { path, note } = await makeChain(t)
  renameSync(note, `${note}.away`)
  mkdirSync(note)
  await refuses(path, { code: 'EISDIR' })
  await assert.rejects(verifyChain(path), { code: 'EISDIR' })
  rmSync(note, { recursive: true })
  renameSync(`${note}.away`, note)
  mkdirSync(`${path}.12`)
  await assert.rejects(verifyChain(path), { code: 'EISDIR' })
  rmSync(`${path}.12`, { recursive: true })
  renameSync(path, `${path}.away`)
  mkdirSync(path)
  await refuses(path, { code: 'EISDIR' })
})

test('[AU1] a crash while a file was begun loses nothing: the one before it tells the end', async t => {
  const { path, end } = await makeChain(t)
  renameSync(path, `${path}.10`)
  const group = write([eventOf(5)], seal, end)
  // Torn within its first line, behind that, and within the seal.
  for (const size of [0, 20, group.indexOf('\n') + 1, group.length - 5]) {
    const begun = group.slice(0, size)
    writeFileSync(path, begun)
    const opened = await openChain(path, { seal, judge })
    assert.deepEqual([opened.head, opened.size, opened.cut], [end, 0, begun.length])
    assert.equal(readFileSync(path, 'utf8'), '')
  }
  // Not begun at all.
  rmSync(path)
  assert.deepEqual((await openChain(path, { seal, judge })).head, end)
  writeFileSync(path, group.slice(0, -5))
  const sink = await openFileSink({ path, rotateBytes: 1e6, seal, judge })
  await sink.record(eventOf(6))
  await sink.close()
  const { fault, events } = await verifyChain(path, { judge })
  assert.deepEqual([fault, events], [undefined, 6])
  // With the seal it was acknowledged, and what is noted is never cut.
  writeFileSync(path, group.replace('"id":5', '"id":7'))
  await refuses(path, /line 11: changed/)
  writeFileSync(path, group.slice(0, -5))
  await refuses(path, /line 11: cut_off/)
})
