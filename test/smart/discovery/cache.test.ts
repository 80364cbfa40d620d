import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../../src/errors.ts'
import {
  createDiscoveryCache,
  type DiscoveryCacheOptions,
} from '../../../src/smart/discovery/cache.ts'
import type { Discovery } from '../../../src/smart/discovery/discovery.ts'
import type { AuthorizationServer, Registration } from '../../../src/smart/types.ts'
import { buildRegistration } from '../registration.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const general = buildRegistration()
const other = buildRegistration({ id: 'other' })

/** A cache over a scripted discovery: `next` is what it finds, an error or a server's name. */
function createWorld(limits: Partial<DiscoveryCacheOptions> = {}) {
  const world = {
    time: 1_000_000,
    next: 'first' as string | BrokerError,
    /** When set, discoveries wait for it. */
    gate: undefined as Promise<void> | undefined,
    isProvisional: false,
    completed: undefined as Discovery['completed'],
    calls: [] as { id: string; previous: Discovery | undefined }[],
  }
  const discover = async (registration: Registration, previous: Discovery | undefined) => {
    world.calls.push({ id: registration.id, previous })
    await world.gate
    if (world.next instanceof BrokerError) throw world.next
    const { isProvisional, completed } = world
    return { server: { issuer: world.next } as AuthorizationServer, isProvisional, completed }
  }
  return Object.assign(world, {
    cache: createDiscoveryCache({ now: () => world.time, discover, ...limits }),
  })
}

type World = ReturnType<typeof createWorld>

async function issuerOf({ cache }: World, registration = general): Promise<string> {
  return await cache.resolve(registration).then(
    server => server.issuer,
    (error: BrokerError) => error.code,
  )
}

/** The code of a refusal, and the seconds after which it may be tried again. */
async function refusalOf({ cache }: World): Promise<[string, number | undefined]> {
  const error = await cache.resolve(general).then(
    () => assert.fail('nothing was refused'),
    (refusal: BrokerError) => refusal,
  )
  return [error.code, error.retryAfterSeconds]
}

/** Lets background work finish. */
const settle = () => new Promise(resolve => setImmediate(resolve))

test('asks once an hour, for each registration on its own', async () => {
  const world = createWorld()
  assert.equal(await issuerOf(world), 'first')
  world.time += HOUR - 1
  assert.equal(await issuerOf(world), 'first')
  assert.equal(await issuerOf(world, other), 'first')
  assert.deepEqual(
    world.calls.map(({ id }) => id),
    ['general', 'other'],
  )
})

test('[LD-12] shares no result between registrations', async () => {
  const world = createWorld()
  assert.equal(await issuerOf(world), 'first')
  world.next = 'second'
  assert.equal(await issuerOf(world, other), 'second')
  assert.equal(await issuerOf(world), 'first')
})

test('refreshes in the background, with the earlier result at hand', async () => {
  const world = createWorld()
  await issuerOf(world)
  world.time += HOUR
  world.next = 'second'
  assert.equal(await issuerOf(world), 'first')
  await settle()
  assert.equal(await issuerOf(world), 'second')
  assert.equal(world.calls.length, 2)
  assert.equal(world.calls[1]?.previous?.server.issuer, 'first')
})

test('waits for the refresh when the result is older than that', async () => {
  const world = createWorld()
  await issuerOf(world)
  world.time += 2 * HOUR
  world.next = 'second'
  assert.equal(await issuerOf(world), 'second')
})

test('[L15] serves the last good result while the EHR is down, for a day at most', async () => {
  const world = createWorld()
  await issuerOf(world)
  world.next = new BrokerError('issuer_unreachable')
  for (const hours of [1, 1, 10, 11]) {
    world.time += hours * HOUR
    assert.equal(await issuerOf(world), 'first')
    await settle()
  }
  world.time += HOUR
  assert.equal(await issuerOf(world), 'issuer_unreachable')
})

test('[L15] lets no bad answer replace a good one, and takes the next good one', async () => {
  const world = createWorld()
  await issuerOf(world)
  world.time += 3 * HOUR
  world.next = new BrokerError('endpoint_not_pinned')
  assert.equal(await issuerOf(world), 'first')
  world.time += MINUTE
  world.next = 'second'
  assert.equal(await issuerOf(world), 'second')
})

test('[L15, Q40] answers a failure without asking again for a second or two, then twice as long, half a minute at most', async () => {
  const world = createWorld({ random: () => 0 })
  world.next = new BrokerError('issuer_timeout')
  for (const [index, rest] of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].entries()) {
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(await refusalOf(world), ['issuer_timeout', rest / 1_000])
    }
    assert.equal(world.calls.length, index + 1)
    world.time += rest - 1
    assert.deepEqual(await refusalOf(world), ['issuer_timeout', 1])
    world.time += 1
  }
  world.next = 'first'
  assert.equal(await issuerOf(world), 'first')
})

test('[L15] a clock that is set back makes no rest longer, and no result fresher', async () => {
  const world = createWorld({ random: () => 1 })
  world.next = new BrokerError('issuer_unreachable')
  assert.equal(await issuerOf(world), 'issuer_unreachable')
  world.time -= HOUR
  world.next = 'second'
  assert.equal(await issuerOf(world), 'second')
  world.time -= HOUR
  world.next = 'third'
  assert.equal(await issuerOf(world), 'second', 'while it is asked')
  await settle()
  assert.equal(await issuerOf(world), 'third')
})

test('[L15, RL1] what another cache knew serves while the EHR is asked anew, no longer than it would have there', async () => {
  const world = createWorld()
  assert.equal(world.cache.known(general), undefined)
  await issuerOf(world)
  const found = world.cache.known(general)
  assert.ok(found)
  const next = createWorld({ before: new Map([['general', found]]) })
  next.next = 'second'
  assert.equal(next.cache.state(general).state, 'stale')
  assert.equal(await issuerOf(next), 'first')
  await settle()
  assert.equal(await issuerOf(next), 'second')
  assert.equal(next.calls.length, 1)

  const late = createWorld({ before: new Map([['general', found]]) })
  late.next = new BrokerError('issuer_unreachable')
  late.time = found.at + 24 * HOUR
  assert.equal(await issuerOf(late), 'issuer_unreachable')
})

test('[Q40] an EHR that says when it may be asked again is asked then', async () => {
  const world = createWorld()
  world.next = new BrokerError('issuer_busy', { retryAfterSeconds: 7 })
  assert.deepEqual(await refusalOf(world), ['issuer_busy', 7])
  world.time += 6_999
  assert.deepEqual(await refusalOf(world), ['issuer_busy', 1])
  world.time += 1
  world.next = 'first'
  assert.equal(await issuerOf(world), 'first')
})

test('[Q35] a result that may soon be bettered is used for ten seconds, and then only where there is no better one', async () => {
  const world = createWorld()
  world.isProvisional = true
  await issuerOf(world)
  world.time += 9_999
  assert.equal(await issuerOf(world), 'first')
  assert.equal(world.calls.length, 1)
  world.time += 1
  world.next = new BrokerError('issuer_busy')
  assert.equal(await issuerOf(world), 'first')
  world.time += 10_000
  world.next = 'second'
  world.isProvisional = false
  assert.equal(await issuerOf(world), 'second')
})

test('[Q38] what the login did not wait for is used once it is there', async () => {
  const world = createWorld()
  const later = Promise.withResolvers<AuthorizationServer>()
  world.completed = later.promise
  assert.equal(await issuerOf(world), 'first')
  later.resolve({
    issuer: 'first',
    endSessionEndpoint: 'https://ehr.test/end',
  } as AuthorizationServer)
  await settle()
  const { endSessionEndpoint } = await world.cache.resolve(general)
  assert.equal(endSessionEndpoint, 'https://ehr.test/end')
  assert.equal(world.calls.length, 1)
})

test('leaves an EHR that is down in peace while its last good result serves', async () => {
  const world = createWorld()
  await issuerOf(world)
  world.time += HOUR
  world.next = new BrokerError('issuer_timeout')
  for (let i = 0; i < 100; i++) {
    assert.equal(await issuerOf(world), 'first')
    await settle()
  }
  assert.equal(world.calls.length, 2)
})

test('[L16] makes one discovery for five hundred launches at once', async () => {
  const world = createWorld()
  const { promise, resolve } = Promise.withResolvers<void>()
  world.gate = promise
  const launches = Array.from({ length: 500 }, () => issuerOf(world))
  await settle()
  resolve()
  assert.deepEqual(new Set(await Promise.all(launches)), new Set(['first']))
  assert.equal(world.calls.length, 1)
})

test('[L16] fails all who wait when the one discovery fails', async () => {
  const world = createWorld()
  world.next = new BrokerError('bad_metadata')
  const launches = Array.from({ length: 10 }, () => issuerOf(world))
  assert.deepEqual(new Set(await Promise.all(launches)), new Set(['bad_metadata']))
  assert.equal(world.calls.length, 1)
})

test('[L16] bounds the launches that wait; another EHR is not held up', async () => {
  const world = createWorld({ maxWaiters: 3 })
  const { promise, resolve } = Promise.withResolvers<void>()
  world.gate = promise
  const launches = Array.from({ length: 5 }, () => issuerOf(world))
  await settle()
  world.gate = undefined
  assert.equal(await issuerOf(world, other), 'first')
  resolve()
  const busy = 'issuer_busy'
  assert.deepEqual(await Promise.all(launches), ['first', 'first', 'first', busy, busy])
  world.time += 3 * HOUR
  assert.equal(await issuerOf(world), 'first')
})

test('tells the state of each EHR, failures in fixed words', async () => {
  const world = createWorld()
  assert.deepEqual(world.cache.state(general), {
    ...{ ehr: 'general', state: 'unknown' },
    ...{ discoveredAt: undefined, server: undefined, failure: undefined },
  })
  await issuerOf(world)
  const discoveredAt = world.time
  assert.equal(world.cache.state(general).state, 'fresh')
  world.time += HOUR
  assert.equal(world.cache.state(general).state, 'stale')
  const detail = 'token_endpoint lies on https://x.test'
  world.next = new BrokerError('endpoint_not_pinned', { detail })
  await issuerOf(world)
  await settle()
  assert.deepEqual(world.cache.state(general), {
    ehr: 'general',
    state: 'failing',
    discoveredAt,
    server: { issuer: 'first' },
    failure: { code: 'endpoint_not_pinned', detail, at: world.time },
  })
  assert.equal(world.cache.state(other).state, 'unknown')
})
