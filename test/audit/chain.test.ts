// The chain of audit lines, line by line: what does not belong behind the one before, and why.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  followLine,
  type Head,
  linkLine,
  linkSeal,
  type Reason,
  readLine,
  readSeal,
  START,
} from '../../src/audit/chain.ts'
import { createSealer, createSealJudge, parseSealKeys } from '../../src/audit/seals.ts'
import { judge, publicKeys, seal } from './sealing.ts'

function chainOf(size: number): { lines: string[]; end: Head } {
  const lines: string[] = []
  let end = START
  for (let index = 0; index < size; index++) {
    const linked = linkLine(end, JSON.stringify({ resourceType: 'AuditEvent', id: `e${index}` }))
    lines.push(linked.line)
    end = linked.head
  }
  const sealed = linkSeal(end, seal({ name: 'audit.ndjson', ...end }))
  return { lines: [...lines, sealed.line], end: sealed.head }
}

/** Where the lines end, or the first that does not follow and why. */
function follow(lines: readonly string[]): Head | { line: number; reason: Reason } {
  let head = START
  for (const [index, text] of lines.entries()) {
    const next = followLine(head, text)
    if (typeof next === 'string') return { line: index + 1, reason: next }
    head = next.head
  }
  return head
}

test('[AU1] an untouched chain leads to its head, and each line is JSON', () => {
  const { lines, end } = chainOf(20)
  assert.deepEqual(follow(lines), end)
  for (const line of lines.slice(0, -1)) {
    assert.equal(JSON.parse(line).event.resourceType, 'AuditEvent')
  }
  assert.deepEqual(Object.keys(JSON.parse(lines.at(-1) ?? '').seal), ['kid', 'signature'])
})

test('[AU1] any character that was changed in a line is found at that line', () => {
  const { lines } = chainOf(2)
  for (const [index, line] of lines.entries()) {
    for (let place = 0; place < line.length; place++) {
      const other = line[place] === '1' ? '2' : '1'
      const changed = line.slice(0, place) + other + line.slice(place + 1)
      const found = follow(lines.with(index, changed))
      assert.ok('line' in found && found.line === index + 1, `line ${index}, place ${place}`)
    }
  }
})

// JSON lets them stand as they are, and a line of text ends at some of them.
const ODD = ['\u2028', '\u2029', '\u0085', '\u00a0', '\ufeff', '\u{1f600}', '}}', '\\n']

test('[AU1] an event is followed in whatever letters it is written', () => {
  for (const letter of ODD) {
    const event = JSON.stringify({ text: `a${letter}b` })
    const { line, head } = linkLine(START, event)
    assert.deepEqual(
      followLine(START, line),
      { head, content: event, isSeal: false },
      JSON.stringify(letter),
    )
    assert.equal(readLine(line)?.content, event)
  }
})

test('[AU1] a number with zeros before it is no number of ours, though it counts the same', () => {
  const { lines } = chainOf(1)
  const found = follow(lines.with(0, String(lines[0]).replace('"seq":1', '"seq":01')))
  assert.ok('line' in found && found.line === 1)
})

test('[AU1] lines that were removed, changed places, came twice or were put in are found', () => {
  const { lines } = chainOf(6)
  const [first = '', second = '', third = ''] = lines
  for (let index = 0; index < lines.length - 1; index++) {
    assert.deepEqual(follow(lines.toSpliced(index, 1)), { line: index + 1, reason: 'missing' })
  }
  const swapped = lines.with(1, third).with(2, second)
  assert.deepEqual(follow(swapped), { line: 2, reason: 'missing' })
  assert.deepEqual(follow(lines.toSpliced(1, 0, first)), { line: 2, reason: 'out_of_order' })
  const foreign = linkLine(START, '{"resourceType":"AuditEvent","id":"foreign"}').line
  assert.deepEqual(follow(lines.toSpliced(3, 0, foreign)), { line: 4, reason: 'out_of_order' })
  assert.deepEqual(follow(lines.with(3, (lines[3] ?? '').slice(0, 50))), {
    ...{ line: 4, reason: 'unreadable' },
  })
})

test('[AU1] a line that was made anew, with a hash of its own, fits nowhere else', () => {
  const { lines } = chainOf(4)
  const heads = lines.map(line => readLine(line)?.head ?? START)
  const made = (before: Head) => linkLine(before, '{"resourceType":"AuditEvent"}').line
  // In the place of another one: what comes next holds the hash of that.
  const [, second = START] = heads
  assert.deepEqual(follow(lines.with(2, made(second))), { line: 4, reason: 'out_of_order' })
  // Behind the right line, under another number; under the right number, behind another line.
  for (const [before, reason] of [
    [{ ...second, count: 0 }, 'out_of_order'],
    [{ ...second, count: 5 }, 'missing'],
    [{ ...second, hash: START.hash }, 'out_of_order'],
  ] as const) {
    assert.deepEqual(follow(lines.with(2, made(before))), { line: 3, reason })
  }
  // A seal that no key has made.
  for (const signature of ['', 'A'.repeat(85), 'A'.repeat(87), `${'A'.repeat(85)}=`]) {
    const { line } = linkSeal(second, { kid: 'key', signature })
    assert.deepEqual(follow(lines.with(2, line)), { line: 3, reason: 'unreadable' })
  }
})

test('[AU1] a signature counts for one head of one file, and neither for an end nor for another key', () => {
  const sealed = { name: 'audit.ndjson', count: 7, hash: 'a'.repeat(64) }
  const signature = seal(sealed)
  assert.equal(judge(sealed, signature), 'good')
  for (const other of [
    { ...sealed, name: 'audit.1.ndjson' },
    { ...sealed, count: 8 },
    { ...sealed, hash: 'b'.repeat(64) },
    { ...sealed, note: '' },
    { ...sealed, note: '1\n1' },
  ]) {
    assert.equal(judge(other, signature), 'bad')
  }
  assert.equal(judge(sealed, { ...signature, kid: 'other' }), 'unknown')
  assert.equal(createSealJudge([])(sealed, signature), 'unknown')
  const [key] = publicKeys.keys
  assert.ok(key && !('d' in key))
  assert.equal(readSeal(JSON.stringify(signature))?.kid, key.kid)
})

test('[AU1] seals are judged by a key set that has keys for it, and made by a key that is there', () => {
  assert.deepEqual(parseSealKeys(JSON.stringify(publicKeys)), publicKeys.keys)
  const [key] = publicKeys.keys
  for (const none of [null, 7, 'keys', [], {}, { keys: 7 }, { keys: { length: 1 } }]) {
    assert.throws(() => parseSealKeys(JSON.stringify(none)), { message: 'not a key set' })
  }
  for (const text of ['', '{', '{"keys":[]}{']) {
    assert.throws(() => parseSealKeys(text), { message: 'not a key set' })
  }
  const message = 'a key set without a key that seals'
  for (const other of [null, 7, { ...key, kty: 'RSA' }, { ...key, crv: 'P-384' }, { kty: 'EC' }]) {
    assert.throws(() => parseSealKeys(JSON.stringify({ keys: [other] })), { message })
    assert.deepEqual(parseSealKeys(JSON.stringify({ keys: [other, key] })), [key])
  }
  assert.throws(() => createSealer([]), { message: 'no key to seal with' })
})
