import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { test } from 'node:test'
import { type ResolveName, resolveBySystem, shareQuestions } from '../../src/network/names.ts'

type Answer = [error: Error | null, addresses?: LookupAddress[]]

function ask(resolve: ResolveName, hostname: string): Promise<Answer> {
  return new Promise(done => resolve(hostname, (...answer) => done(answer)))
}

/** A resolver whose answers a test gives, in the order of the questions. */
function createQuestions() {
  const open: { hostname: string; done: (...answer: Answer) => void }[] = []
  return { open, resolve: ((hostname, done) => open.push({ hostname, done })) as ResolveName }
}

test('[PS1, DS5] a name is asked for once at a time, however many wait for it', async () => {
  const { open, resolve } = createQuestions()
  const shared = shareQuestions(resolve)
  const first = Array.from({ length: 500 }, () => ask(shared, 'slow.test'))
  const other = ask(shared, 'other.test')
  assert.deepEqual(
    open.map(({ hostname }) => hostname),
    ['slow.test', 'other.test'],
  )
  open[1]?.done(null, [{ address: '192.0.2.1', family: 4 }])
  assert.deepEqual(await other, [null, [{ address: '192.0.2.1', family: 4 }]])
  const failure = Object.assign(new Error('x'), { code: 'EAI_AGAIN' })
  open[0]?.done(failure)
  for (const answer of await Promise.all(first)) assert.deepEqual(answer, [failure])
})

test('[L4] who asks after an answer has come asks anew', async () => {
  const { open, resolve } = createQuestions()
  const shared = shareQuestions(resolve)
  const before = ask(shared, 'ehr.test')
  open[0]?.done(null, [])
  const after = ask(shared, 'ehr.test')
  assert.equal(open.length, 2)
  open[1]?.done(new Error('gone'))
  assert.deepEqual([(await before)[0], (await after)[0]?.message], [null, 'gone'])
})

test('[PS1] a question that cannot be asked is refused where it was asked, and holds up no other', async () => {
  for (const hostname of ['', 'a\0b.invalid']) {
    for (let i = 0; i < 2; i++) {
      assert.throws(() => resolveBySystem(hostname, () => {}), { code: 'ERR_INVALID_ARG_VALUE' })
    }
  }
  const [error, addresses] = await ask(resolveBySystem, 'ehr.invalid')
  assert.match(String((error as { code?: string } | null)?.code), /^(ENOTFOUND|EAI_AGAIN)$/)
  assert.equal(addresses, undefined)
})
