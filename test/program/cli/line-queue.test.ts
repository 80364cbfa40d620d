// Lines on their way out: none is lost or torn while there is room, and what is dropped is counted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLineQueue } from '../../../program/cli/line-queue.ts'

const line = fc.string({ minLength: 0, maxLength: 20 }).map(text => JSON.stringify(text))
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: fc.array(line, { minLength: 1, maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ write: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.constant({ drop: true }) },
)

test('[PS4] every line is written whole or counted, whatever is written, dropped and added in any order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const queue = createLineQueue(200)
      const written: Buffer[] = []
      let added = 0
      const take = (bytes: number) => {
        const piece = queue.head()?.subarray(0, bytes)
        if (piece === undefined) return
        written.push(Buffer.from(piece))
        queue.advance(piece.length)
      }
      for (const each of steps) {
        if ('add' in each) {
          added += each.add.length
          queue.add(each.add.map(text => `${text}\n`).join(''))
        } else if ('write' in each) take(each.write)
        else queue.drop()
      }
      while (queue.head() !== undefined) take(1000)
      const lines = Buffer.concat(written).toString().split('\n').filter(Boolean)
      const whole = lines.filter(isJson)
      assert.equal(whole.length + queue.droppedLines, added)
    }),
  )
})

test('[PS5] what finds no room is dropped, oldest kept, and the bound is in bytes', () => {
  const queue = createLineQueue(10)
  queue.add('ä1\n')
  queue.add('ä2\n')
  queue.add('ä3\nä4\n')
  assert.equal(queue.droppedLines, 2)
  assert.equal(queue.head()?.toString(), 'ä1\n')
  queue.advance(4)
  queue.add('ä5\n')
  assert.equal(queue.droppedLines, 2)
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
