// Delivering a chain, step by step, to a server that the test holds in its hand: what is sent again and what is
// not, what is told, and what an end breaks off.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type DeliveryOptions, type Fate, startDelivery } from '../../src/audit/delivery.ts'
import { judgeEntries } from '../../src/audit/fhir-batch.ts'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { removeFolder } from '../world/folder.ts'
import { judge, seal } from './sealing.ts'

const TAKEN: Fate = { is: 'taken' }

/** A chain with so many events, each in a group of its own: two lines. */
async function makeChain(t: TestContext, events: number) {
  const folder = mkdtempSync(join(tmpdir(), 'audit-steps-'))
  t.after(() => removeFolder(folder))
  const path = join(folder, 'audit.ndjson')
  const file = await openFileSink({ path, rotateBytes: 1e6, seal, judge })
  for (let id = 0; id < events; id++) await file.record(`{"id":${id}}`)
  await file.close()
  return { path, end: file.head.count }
}

/** Delivers to a server that does what is said; what it was sent, what was told, and how far it came. */
async function deliver(
  t: TestContext,
  options: Pick<DeliveryOptions, 'path' | 'end'>,
  post?: Post,
) {
  const sent: number[][] = []
  const faults: unknown[] = []
  const progress: number[] = []
  const delivery = await startDelivery({
    ...{ maxRefusedBytes: 1e6, maxPauseMs: 1, ...options },
    post: async (events, signal) => {
      sent.push(events.map(({ event }) => JSON.parse(event).id))
      return (await post?.(events, signal)) ?? { fates: events.map(() => TAKEN) }
    },
    onFault: error => void faults.push((error as { code?: string }).code),
    onProgress: line => void progress.push(line),
  })
  t.after(delivery.close)
  return { delivery, sent, faults, progress }
}
type Posted = Awaited<ReturnType<DeliveryOptions['post']>>
type Post = (
  ...given: Parameters<DeliveryOptions['post']>
) => Promise<Posted | undefined> | Posted | undefined

test('[AU4] it goes on behind what was delivered before, and sends nothing of that again', async t => {
  const { path } = await makeChain(t, 5)
  const first = await deliver(t, { path, end: () => 6 })
  await first.delivery.caughtUp()
  await first.delivery.close()
  const second = await deliver(t, { path, end: () => 10 })
  await second.delivery.caughtUp()
  assert.deepEqual([first.sent, second.sent], [[[0, 1, 2]], [[3, 4]]])
  assert.deepEqual([...first.faults, ...second.faults], [])
  assert.deepEqual([first.progress, second.progress], [[6], [10]])
})

test('[AU4] where there is nothing new nothing is noted, however often it is woken', async t => {
  const { path, end } = await makeChain(t, 1)
  const { delivery, progress } = await deliver(t, { path, end: () => end })
  for (let i = 0; i < 5; i++) await delivery.caughtUp()
  assert.deepEqual(progress, [2])
})

test('[AU4] what is recorded in the moment before it would rest is delivered, though nobody wakes it', async t => {
  const { path } = await makeChain(t, 2)
  // The first look behind what was sent finds nothing; the event comes before the next.
  let looks = Number.NEGATIVE_INFINITY
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const { sent } = await deliver(t, { path, end: () => (++looks <= 1 ? 2 : 4) }, events => {
    if (looks < 0) looks = 0
    else if (events.length === 1) resolve()
    return undefined
  })
  await all
  assert.deepEqual(sent, [[0], [1]])
})

test('[AU4] it ends at once where it has not begun, and where nobody will wake it', async t => {
  const { path, end } = await makeChain(t, 1)
  const unbegun = await deliver(t, { path, end: () => 0 })
  await unbegun.delivery.close()
  const resting = await deliver(t, { path, end: () => end })
  await resting.delivery.caughtUp()
  await resting.delivery.close()
  assert.deepEqual([unbegun.sent, resting.sent], [[], [[0]]])
})

test('[AU4] an end breaks off what is under way: no fault is told of it, and it is sent again', async t => {
  const { path, end } = await makeChain(t, 2)
  const { promise: posted, resolve } = Promise.withResolvers<void>()
  const first = await deliver(t, { path, end: () => end }, async (_events, signal) => {
    resolve()
    await new Promise(done => signal.addEventListener('abort', done))
    return { error: new Error('broken off') }
  })
  await posted
  await first.delivery.close()
  assert.deepEqual([first.sent, first.faults, first.progress], [[[0, 1]], [], []])
  assert.equal(existsSync(`${path}.sent`), false)
  const second = await deliver(t, { path, end: () => end })
  await second.delivery.caughtUp()
  assert.deepEqual(second.sent, [[0, 1]])
})

test('[AU4] what the server took while it was broken off is noted, and not sent again', async t => {
  const { path, end } = await makeChain(t, 2)
  const { promise: posted, resolve } = Promise.withResolvers<void>()
  const first = await deliver(t, { path, end: () => end }, async (_events, signal) => {
    resolve()
    await new Promise(done => signal.addEventListener('abort', done))
    return undefined
  })
  await posted
  await first.delivery.close()
  const second = await deliver(t, { path, end: () => end })
  await second.delivery.caughtUp()
  assert.deepEqual([first.progress, second.sent], [[4], []])
})

test('[AU4] an event of which nothing is said is not delivered yet', async t => {
  const { path, end } = await makeChain(t, 3)
  let tries = 0
  const { delivery, sent, faults, progress } = await deliver(t, { path, end: () => end }, () =>
    ++tries === 1 ? { fates: [TAKEN] } : undefined,
  )
  await delivery.caughtUp()
  assert.deepEqual(sent, [
    [0, 1, 2],
    [1, 2],
  ])
  assert.deepEqual([faults, progress], [['AUDIT_STATUS_0'], [2, 6]])
})

test('[AU4] a line that cannot be read is told of, and holds up nothing behind it', async t => {
  const { path, end } = await makeChain(t, 3)
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, lines.with(2, 'no line of ours').join('\n'))
  const { delivery, sent, faults } = await deliver(t, { path, end: () => end })
  await delivery.caughtUp()
  assert.deepEqual([sent, faults], [[[0, 2]], ['AUDIT_QUEUE_BROKEN']])
})

test('[AU4] a chain that another one replaced is read from its beginning, and told of', async t => {
  const { path, end: first } = await makeChain(t, 2)
  let end = first
  const replace = async (events: number) => {
    const other = await makeChain(t, events)
    renameSync(other.path, path)
    end = other.end
  }
  const before = await deliver(t, { path, end: () => end })
  await before.delivery.caughtUp()
  await before.delivery.close()
  await replace(3)
  const { delivery, sent, faults } = await deliver(t, { path, end: () => end })
  await delivery.caughtUp()
  assert.deepEqual(sent, [[0, 1, 2]])
  assert.deepEqual(faults, ['AUDIT_QUEUE_BROKEN'])
  // And while it is delivered.
  await replace(4)
  await delivery.caughtUp()
  assert.deepEqual(sent.at(-1), [0, 1, 2, 3])
  assert.deepEqual(faults, Array(2).fill('AUDIT_QUEUE_BROKEN'))
})

test('[AU4] a chain that was begun anew is delivered, though it has not come as far as the one before', async t => {
  const [one, other] = [await makeChain(t, 5), await makeChain(t, 2)]
  const before = await deliver(t, { path: one.path, end: () => one.end })
  await before.delivery.caughtUp()
  await before.delivery.close()
  renameSync(other.path, one.path)
  const { delivery, sent, faults } = await deliver(t, { path: one.path, end: () => other.end })
  await delivery.caughtUp()
  assert.deepEqual([sent, faults], [[[0, 1]], []])
})

test('[AU4] what lies behind the end is not read before it counts: it may be cut again', async t => {
  const { path } = await makeChain(t, 2)
  const whole = readFileSync(path, 'utf8')
  writeFileSync(path, whole.replace('"id":1', '"id":7'))
  let end = 2
  const { delivery, sent, faults } = await deliver(t, { path, end: () => end })
  await delivery.caughtUp()
  writeFileSync(path, whole)
  end = 4
  await delivery.caughtUp()
  assert.deepEqual([sent, faults], [[[0], [1]], []])
})

test('[AU4] an answer says something of each event, or nothing of any', () => {
  const entry = [{ response: { status: '201 Created' } }, { response: { status: '422' } }]
  const bundle = { resourceType: 'Bundle', type: 'batch-response', entry }
  assert.deepEqual(judgeEntries(JSON.stringify(bundle), 2), [TAKEN, { is: 'refused', status: 422 }])
  for (const answer of [
    ...[null, 7, 'Bundle', [], [bundle]],
    ...[entry.slice(1), [...entry, ...entry], undefined, null, 'ab', { length: 2 }].map(other => ({
      ...bundle,
      entry: other,
    })),
    ...['OperationOutcome', 'bundle', undefined].map(resourceType => ({ ...bundle, resourceType })),
  ]) {
    const text = JSON.stringify(answer)
    assert.equal(judgeEntries(text, 2), undefined, text)
  }
  for (const text of ['', '{', '<html>']) assert.equal(judgeEntries(text, 2), undefined)
  const said = [{}, null, { response: null }, { response: { status: 201 } }]
  const fates = judgeEntries(JSON.stringify({ ...bundle, entry: said }), 4)
  assert.deepEqual(fates, [...Array(3).fill({ is: 'later', status: 0 }), TAKEN])
})
