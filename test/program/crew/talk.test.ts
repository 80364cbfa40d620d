import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTalk, type Talk } from '../../../program/crew/talk.ts'

interface Questions {
  double(number: number): number
  fail(none: undefined): void
  silence(none: undefined): void
}
type Nothing = Record<never, never>

/** Two that hear each other as processes do: copies, and never in the same turn. */
function connect(): Talk<Questions> {
  const carry = (to: () => { hear(message: unknown): void }) => (message: unknown) =>
    void setImmediate(() => to().hear(structuredClone(message)))
  const asking: Talk<Questions> = createTalk<Questions, Nothing>({
    answers: {},
    send: carry(() => answering),
  })
  const answering = createTalk<Nothing, Questions>({
    answers: {
      double: number => number * 2,
      fail: async () => {
        throw new TypeError('a secret')
      },
      silence: () => new Promise(() => {}),
    },
    send: carry(() => asking),
  })
  return asking
}

test('each question gets its own answer, however many are asked', async () => {
  const talk = connect()
  const numbers = Array.from({ length: 50 }, (_, i) => i)
  const answers = await Promise.all(numbers.map(number => talk.ask('double', number)))
  assert.deepEqual(
    answers,
    numbers.map(number => number * 2),
  )
})

test('a question fails without an answer, in time, and at once when the other one goes', async () => {
  const talk = connect()
  await assert.rejects(talk.ask('fail', undefined), /^Error: the other process could not answer$/)
  await assert.rejects(talk.ask('silence', undefined, 20), /no answer to silence/)
  const asked = talk.ask('silence', undefined)
  talk.end()
  await assert.rejects(asked, /is gone/)
  await assert.rejects(talk.ask('double', 1), /nobody is there/)
})

test('what is no message of ours is not heard', () => {
  const talk = connect()
  for (const message of [undefined, null, 7, 'ask', {}, { answer: 99 }]) talk.hear(message)
})
