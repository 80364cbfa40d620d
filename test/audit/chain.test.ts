// The chain of audit lines: every way of tampering is found, at its line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { followChain, type Head, linkLine, START } from '../../src/audit/chain.ts'

function chainOf(size: number): { lines: string[]; end: Head } {
  const lines: string[] = []
  let end = START
  for (let index = 0; index < size; index++) {
    const linked = linkLine(end, JSON.stringify({ resourceType: 'AuditEvent', id: `e${index}` }))
    lines.push(linked.line)
    end = linked.head
  }
  return { lines, end }
}

test('an untouched chain leads to its head, and each line is JSON', async () => {
  const { lines, end } = chainOf(20)
  assert.deepEqual(await followChain(lines, end), end)
  for (const line of lines) assert.equal(JSON.parse(line).event.resourceType, 'AuditEvent')
})

test('a line that was removed is found wherever it stood, the last one by the head', async () => {
  const { lines, end } = chainOf(12)
  for (let index = 0; index < lines.length; index++) {
    const isLast = index === lines.length - 1
    assert.deepEqual(await followChain(lines.toSpliced(index, 1), end), {
      line: index + 1,
      reason: isLast ? 'cut_off' : 'out_of_order',
    })
  }
})

test('any character that was changed in a line is found at that line', async () => {
  const { lines, end } = chainOf(3)
  const [, second = ''] = lines
  for (let place = 0; place < second.length; place++) {
    const other = second[place] === '1' ? '2' : '1'
    const changed = second.slice(0, place) + other + second.slice(place + 1)
    const found = await followChain(lines.with(1, changed), end)
    assert.ok('line' in found, `place ${place}`)
    assert.equal(found.line, 2)
  }
})

test('two lines that changed places, one told twice, and one put in are found', async () => {
  const { lines, end } = chainOf(6)
  const [first = '', second = '', third = ''] = lines
  const swapped = lines.with(1, third).with(2, second)
  assert.deepEqual(await followChain(swapped, end), { line: 2, reason: 'out_of_order' })
  const twice = lines.toSpliced(1, 0, first)
  assert.deepEqual(await followChain(twice, end), { line: 2, reason: 'out_of_order' })
  const foreign = linkLine(START, '{"resourceType":"AuditEvent","id":"foreign"}').line
  const put = lines.toSpliced(3, 0, foreign)
  assert.deepEqual(await followChain(put, end), { line: 4, reason: 'out_of_order' })
})

test('a line that was torn by a crash is unreadable', async () => {
  const { lines, end } = chainOf(4)
  const torn = lines.with(3, (lines[3] ?? '').slice(0, 50))
  assert.deepEqual(await followChain(torn, end), { line: 4, reason: 'unreadable' })
})
