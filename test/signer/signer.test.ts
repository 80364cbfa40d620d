// What asks a signer: so many at a time, so many waiting, each with one deadline; whatever goes wrong has one code.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSigner, SignerFault } from '../../src/signer/signer.ts'

const key = { kid: 'one', alg: 'ES384' } as const
const input = new Uint8Array(1)
const refused = (detail: string) => ({ code: 'signer_unavailable', status: 503, detail })

test('[SG1, DS5] no more are under way than may be, whoever waits has its turn in order, and more are refused', async () => {
  let underWay = 0
  let most = 0
  const ends: (() => void)[] = []
  const order: number[] = []
  const ask = createSigner(
    async bytes => {
      most = Math.max(most, ++underWay)
      order.push(bytes[0] ?? 0)
      await new Promise<void>(resolve => ends.push(resolve))
      underWay--
      return bytes
    },
    { atOnce: 2, waiting: 3, deadlineMs: 60_000 },
  )
  const asked = Array.from({ length: 5 }, (_, i) => ask(Uint8Array.of(i), key))
  await assert.rejects(ask(input, key), refused('too many signatures wait'))
  for (let done = 0; done < 5; done++) {
    await new Promise(setImmediate)
    ends.shift()?.()
  }
  const answers = await Promise.all(asked)
  assert.deepEqual(
    answers.map(([i]) => i),
    [0, 1, 2, 3, 4],
  )
  assert.deepEqual([most, underWay, order], [2, 0, [0, 1, 2, 3, 4]])
  // Every place was given back.
  const again = Array.from({ length: 5 }, () => ask(input, key))
  for (let done = 0; done < 5; done++) {
    await new Promise(setImmediate)
    ends.shift()?.()
  }
  await Promise.all(again)
})

test('[SG1] one deadline for waiting and signing: a signer that stands still costs its callers no more', async () => {
  let begun = 0
  const ask = createSigner(
    (_bytes, _key, signal) =>
      new Promise((_resolve, reject) => {
        begun++
        signal.addEventListener('abort', () => reject(new SignerFault('cut')))
      }),
    { atOnce: 1, deadlineMs: 50 },
  )
  const late = refused('the signer did not answer in time')
  await Promise.all(Array.from({ length: 3 }, () => assert.rejects(ask(input, key), late)))
  // Those that waited were never begun, and their places are free.
  const before = begun
  await assert.rejects(ask(input, key), late)
  assert.equal(begun, before + 1)
})

test('[SG1] what a library says stays in the cause', async () => {
  const ask = createSigner(async () => {
    throw new Error('pin 1234 is wrong')
  })
  await assert.rejects(ask(input, key), refused('the signer failed'))
})
