// Audit events on their way to a FHIR server over real HTTP: one that takes them, one that refuses, hangs, closes,
// answers nonsense or is away; and what is on the disk meanwhile.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createAuditPoster } from '../../program/audit-server.ts'
import type { AuditServer } from '../../program/config/audit.ts'
import { type DeliveredChainOptions, openDeliveredChain } from '../../src/audit/delivered-chain.ts'
import { startDelivery } from '../../src/audit/delivery.ts'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { eventually } from '../world/eventually.ts'
import { makeTestFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { type Behaviour, respond, type StandIn, startStandIn } from './fhir-stand-in.ts'
import { judge, seal } from './sealing.ts'

const eventOf = (number: number | string): string =>
  JSON.stringify({ resourceType: 'AuditEvent', recorded: `${number}` })
const numbersOf = ({ taken }: StandIn) =>
  [...taken.values()].map(resource => Number((resource as { recorded: string }).recorded))
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number)

const makePath = (t: TestContext) => join(makeTestFolder(t), 'audit.ndjson')

interface Further extends Partial<Pick<DeliveredChainOptions, 'queueBytes'>> {
  server?: Partial<AuditServer>
  rotateBytes?: number
  deadlineMs?: number
}

async function open(t: TestContext, path: string, url: string, further: Further = {}) {
  const faults: string[] = []
  const refused: number[] = []
  const poster = createAuditPoster(
    {
      ...{ sink: 'fhir', failClosed: false, searchParameters: 'hash', path, keep: 1 },
      ...{ rotateBytes: 1e6, queueBytes: 1e6, url, method: 'PUT', network: { reach: 'public' } },
      ...further.server,
    },
    { deadlineMs: further.deadlineMs },
  )
  const chain = await openDeliveredChain({
    file: { path, seal, judge, keep: 1, rotateBytes: further.rotateBytes ?? 1e6 },
    queueBytes: further.queueBytes ?? 1e6,
    delivery: {
      post: poster.post,
      maxPauseMs: 10,
      onFault: error => faults.push(String((error as { code?: string }).code)),
      onRefused: list => refused.push(...list.map(({ status }) => status)),
    },
  })
  const close = async () => {
    await chain.close()
    await poster.close()
  }
  t.after(close)
  return { ...chain, queued: chain.queued, faults, refused, close }
}

for (const method of ['PUT', 'POST'] as const) {
  test(`[AU4] each event is delivered once by ${method}, in order, under a name that it keeps`, async t => {
    const [path, server] = [makePath(t), await startStandIn(t)]
    const chain = await open(t, path, server.url, {
      server: { method, token: 'opaque' },
      rotateBytes: 20_000,
    })
    for (let number = 0; number < 250; number += 50) {
      await Promise.all(upTo(50).map(one => chain.record(eventOf(number + one))))
    }
    await chain.caughtUp()
    assert.deepEqual(numbersOf(server), upTo(250))
    assert.deepEqual([server.entries, chain.queued(), chain.faults], [250, 0, []])
    assert.ok(server.batches.every(size => size <= 100))
    const [headers] = server.headers
    assert.equal(headers?.authorization, 'Bearer opaque')
    assert.equal(headers?.['content-type'], 'application/fhir+json')
    for (const [name, resource] of server.taken)
      assert.match(name, /^[0-9a-f]{64}$/, String(resource))
    await chain.close()
    // Where it is begun from the start again, nothing is doubled.
    rmSync(`${path}.sent`)
    const again = await open(t, path, server.url, { server: { method } })
    await again.caughtUp()
    assert.ok(server.entries > 250)
    assert.equal(server.taken.size, 250)
    assert.equal((await verifyChain(path, { judge })).fault, undefined)
  })
}

test('[AU4] by POST the server is asked to look for the event first', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  const asked: unknown[] = []
  server.behave(entries => void asked.push(...entries))
  const chain = await open(t, path, server.url, { server: { method: 'POST' } })
  await chain.record(
    JSON.stringify({ resourceType: 'AuditEvent', id: 'ours', meta: { tag: [{}] } }),
  )
  await chain.caughtUp()
  const [name = ''] = server.taken.keys()
  assert.deepEqual(asked, [
    {
      resource: {
        resourceType: 'AuditEvent',
        meta: { tag: [{}, { system: 'urn:fhirstorm:audit', code: name }] },
      },
      request: {
        ...{ method: 'POST', url: 'AuditEvent' },
        ifNoneExist: `_tag=urn:fhirstorm:audit|${name}`,
      },
    },
  ])
})

const bundle = (entry: unknown) => ({ resourceType: 'Bundle', type: 'batch-response', entry })
const passing: Record<string, [Behaviour, code: string]> = {
  'says 500': [(_e, _q, response) => respond(response, 500, ''), 'AUDIT_STATUS_500'],
  'says 503 and when': [
    (_e, _q, response) => respond(response, 503, '', { 'retry-after': '1' }),
    'AUDIT_STATUS_503',
  ],
  'says 401': [(_e, _q, response) => respond(response, 401, ''), 'AUDIT_STATUS_401'],
  'says 403': [(_e, _q, response) => respond(response, 403, ''), 'AUDIT_STATUS_403'],
  'says 404': [(_e, _q, response) => respond(response, 404, ''), 'AUDIT_STATUS_404'],
  'sends us elsewhere': [
    (_e, _q, response) => respond(response, 307, '', { location: 'http://127.0.0.1:1/' }),
    'upstream_broken',
  ],
  hangs: [() => true, 'issuer_timeout'],
  'closes before an answer': [(_e, request) => !!request.socket.destroy(), 'issuer_unreachable'],
  'closes within its answer': [
    (_e, _q, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"resource')
      setTimeout(() => response.destroy(), 20)
      return true
    },
    'upstream_broken',
  ],
  'answers with a page': [(_e, _q, response) => respond(response, 200, '<html>'), 'AUDIT_ANSWER'],
  'answers for others': [(_e, _q, response) => respond(response, 200, bundle([])), 'AUDIT_ANSWER'],
  'answers without statuses': [
    (entries, _q, response) => respond(response, 200, bundle(entries.map(() => ({})))),
    'AUDIT_STATUS_0',
  ],
  'says 503 of each': [entries => entries.map(() => 503), 'AUDIT_STATUS_503'],
  'says too much': [
    (_e, _q, response) => respond(response, 200, 'x'.repeat(9 * 2 ** 20)),
    'upstream_broken',
  ],
}

for (const [name, [behaviour, code]] of Object.entries(passing)) {
  test(`[AU4] a server that ${name} gets the events later, and none twice`, async t => {
    const [path, server] = [makePath(t), await startStandIn(t)]
    let calls = 0
    server.behave((...asked) => (calls++ < 2 ? behaviour(...asked) : undefined))
    const chain = await open(t, path, server.url, { deadlineMs: 3_000 })
    await Promise.all(upTo(20).map(number => chain.record(eventOf(number))))
    await chain.caughtUp()
    assert.deepEqual(numbersOf(server), upTo(20))
    assert.deepEqual([chain.refused, chain.queued()], [[], 0])
    assert.deepEqual([...new Set(chain.faults)], [code])
  })
}

test('[AU4] a server that is away gets the events when it is there, after restarts too', async t => {
  const [path, port] = [makePath(t), await findPort()]
  const url = `http://127.0.0.1:${port}/fhir`
  for (let start = 0; start < 3; start++) {
    const chain = await open(t, path, url, { rotateBytes: 5_000 })
    for (let i = 0; i < 20; i++) await chain.record(eventOf(20 * start + i))
    assert.ok(await eventually(() => chain.faults.length > 1))
    assert.ok(chain.queued() > 0)
    await chain.close()
  }
  // None of these files may go before it was delivered.
  const aside = () => readdirSync(dirname(path)).filter(name => /\.\d+$/.test(name)).length
  assert.ok(aside() > 3)
  const server = await startStandIn(t, port)
  const chain = await open(t, path, url, { rotateBytes: 5_000 })
  await chain.caughtUp()
  assert.deepEqual(numbersOf(server), upTo(60))
  assert.equal(server.entries, 60)
  assert.ok(await eventually(() => aside() === 1))
  assert.equal((await verifyChain(path, { judge })).fault, undefined)
})

const refusedIn = (path: string) =>
  readFileSync(`${path}.refused`, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

test('[AU4] an event that is refused is put aside with its status, and the others are delivered', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  const isBad = (entry: { resource: object }) =>
    Number((entry.resource as { recorded: string }).recorded) % 10 === 3
  server.behave(entries => entries.map(entry => (isBad(entry) ? 422 : 201)))
  const chain = await open(t, path, server.url)
  await Promise.all(upTo(50).map(number => chain.record(eventOf(number))))
  await chain.caughtUp()
  assert.equal(server.taken.size, 45)
  assert.equal(server.entries, 50)
  const put = refusedIn(path)
  assert.deepEqual(
    put.map(({ status, event }) => [status, event.recorded]),
    ['3', '13', '23', '33', '43'].map(number => [422, number]),
  )
  assert.ok(put.every(({ id }) => /^[0-9a-f]{64}$/.test(id) && !server.taken.has(id)))
  assert.deepEqual([chain.refused.length, chain.faults], [5, []])
})

test('[AU4] a batch that is too much as a whole is tried in parts, down to the event that is', async t => {
  for (const status of [400, 413, 422]) {
    const [path, server] = [makePath(t), await startStandIn(t)]
    server.behave((entries, _request, response) => {
      const hasBad = entries.some(entry => JSON.stringify(entry).includes('"recorded":"17"'))
      return hasBad || entries.length > 40 ? respond(response, status, '{}') : undefined
    })
    const chain = await open(t, path, server.url)
    await Promise.all(upTo(150).map(number => chain.record(eventOf(number))))
    await chain.caughtUp()
    assert.equal(server.taken.size, 149)
    assert.deepEqual(
      refusedIn(path).map(one => [one.status, one.event.recorded]),
      [[status, '17']],
    )
    assert.ok(server.batches.length < 40, String(server.batches))
    await chain.close()
  }
})

test('[AU4] an event on which the server fails for ever holds up no other, and is put aside', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  server.behave(entries =>
    entries.map(entry => (JSON.stringify(entry).includes('"recorded":"5"') ? 500 : 201)),
  )
  const chain = await open(t, path, server.url)
  let number = 0
  await Promise.all(upTo(10).map(() => chain.record(eventOf(number++))))
  // Alone it is the server that may be ill: it waits for others to be taken.
  assert.ok(await eventually(() => server.taken.size === 9 && server.batches.length > 12))
  assert.equal(existsSync(`${path}.refused`), false)
  while (chain.refused.length === 0) {
    await chain.record(eventOf(number++))
    await eventually(() => server.taken.size === number - 1)
  }
  await chain.caughtUp()
  assert.equal(server.taken.size, number - 1)
  assert.deepEqual(
    refusedIn(path).map(one => [one.status, one.event.recorded]),
    [[500, '5']],
  )
})

test('[AU4] what may wait has a bound; beyond it nothing is recorded, until there is room', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  let isAway = true
  server.behave((_entries, _request, response) => (isAway ? respond(response, 503, '') : undefined))
  const chain = await open(t, path, server.url, { queueBytes: 30_000, rotateBytes: 10_000 })
  let recorded = 0
  const fill = async () => {
    for (;;) {
      await chain.record(eventOf(recorded))
      recorded++
    }
  }
  await assert.rejects(fill(), { code: 'AUDIT_QUEUE_FULL' })
  assert.ok(recorded > 20)
  const size = () =>
    readdirSync(dirname(path)).reduce(
      (sum, name) => sum + readFileSync(join(dirname(path), name)).length,
      0,
    )
  assert.ok(size() < 40_000, `${size()}`)
  isAway = false
  await chain.caughtUp()
  assert.deepEqual(numbersOf(server), upTo(recorded))
  await chain.record(eventOf(recorded++))
  await chain.caughtUp()
  assert.equal(server.taken.size, recorded)
})

test('[AU4] as much may be put aside as may wait; beyond it the events wait', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  let isStrict = true
  server.behave(entries => (isStrict ? entries.map(() => 400) : undefined))
  const chain = await open(t, path, server.url, { queueBytes: 20_000 })
  writeFileSync(`${path}.refused`, `${' '.repeat(19_950)}\n`)
  await chain.record(eventOf(0))
  assert.ok(await eventually(() => chain.faults.includes('AUDIT_REFUSED_FULL')))
  assert.ok(chain.refused.length === 0)
  isStrict = false
  await chain.caughtUp()
  assert.equal(server.taken.size, 1)
})

test('[AU4] a place of a chain that was moved away is none of the new one', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  const first = await open(t, path, server.url)
  for (const number of upTo(10)) await first.record(eventOf(number))
  await first.caughtUp()
  await first.close()
  for (const name of [path, `${path}.head`]) rmSync(name)
  const second = await open(t, path, server.url)
  for (const number of upTo(15)) await second.record(eventOf(100 + number))
  await second.caughtUp()
  assert.equal(server.taken.size, 25)
  await second.close()
  // One that has grown past that place before anything of it was delivered.
  for (const name of [path, `${path}.head`]) rmSync(name)
  const file = await openFileSink({ path, rotateBytes: 1e6, seal, judge })
  for (const number of upTo(30)) await file.record(eventOf(200 + number))
  await file.close()
  const third = await open(t, path, server.url)
  await third.caughtUp()
  assert.equal(server.taken.size, 55)
  assert.deepEqual(third.faults, ['AUDIT_QUEUE_BROKEN'])
})

test('[AU4] of a chain that somebody has cut it is told, and looked for with pauses', async t => {
  const path = makePath(t)
  const file = await openFileSink({ path, rotateBytes: 1e6, seal, judge })
  for (const number of upTo(5)) await file.record(eventOf(number))
  await file.close()
  const whole = readFileSync(path)
  truncateSync(path, whole.length / 2)
  const faults: unknown[] = []
  let [looks, isCaughtUp] = [0, false]
  const delivery = await startDelivery({
    ...{ path, maxRefusedBytes: 1e6, maxPauseMs: 10 },
    post: async events => ({ fates: events.map(() => ({ is: 'taken' })) }),
    onFault: error => faults.push((error as { code?: string }).code),
    end() {
      looks++
      return file.head.count
    },
  })
  t.after(delivery.close)
  void delivery.caughtUp().then(() => {
    isCaughtUp = true
  })
  assert.ok(await eventually(() => faults.length >= 5))
  assert.deepEqual(new Set(faults), new Set(['AUDIT_QUEUE_BROKEN']))
  assert.ok(looks < 3 * faults.length + 10, `${looks} looks, ${faults.length} faults`)
  assert.equal(isCaughtUp, false)
  writeFileSync(path, whole)
  assert.ok(await eventually(() => isCaughtUp))
  assert.equal(delivery.deliveredTo, file.head.count)
})
