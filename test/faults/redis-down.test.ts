// The whole product over a Redis that is killed, stopped, made read-only, full, or comes back empty. It
// says 503 in time and lets nobody in; when Redis is back, so is it, without a restart and with every
// session that Redis still has.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type LoggedIn, logIn } from '../flow/login.ts'
import { openStream } from '../flow/stream.ts'
import { hasRedis, type RedisServer, startRedis } from '../vault/redis-server.ts'
import { type Answer, type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { eventually } from '../world/eventually.ts'
import { createWorld, type World } from '../world/world.ts'
import { codeOf } from './refresh-rig.ts'

const MINUTE = 60_000
/** Two seconds are promised; the rest is for a busy machine. */
const PATIENCE_MS = 4_000

describe('over Redis', { skip: !hasRedis() }, () => {
  let redis: RedisServer
  let world: World
  let passed = 0
  const asked: string[] = []
  before(async () => {
    redis = await startRedis()
    world = await createWorld({
      now: () => Date.now() + passed,
      sandbox: {
        faces: [endlessFace],
        ehrIds: ehrIdsWith('endless'),
        onRequest: ({ path }) => asked.push(path),
      },
      configure(document, sandboxUrl) {
        registerFaces(document, sandboxUrl, ['endless'])
        document.vault = { kind: 'redis', url: redis.url }
      },
    })
  })
  beforeEach(() => {
    passed = 0
  })
  after(async () => {
    await world.close()
    await redis.close()
  })

  const read = (browser: Browser, { fhirBaseUrl }: LoggedIn) =>
    browser.fetch(`${fhirBaseUrl}/Patient`)
  const isBack = (browser: Browser, session: LoggedIn) =>
    eventually(async () => (await read(browser, session)).status === 200)

  function assertRefused(answer: Answer): void {
    assert.deepEqual([answer.status, codeOf(answer)], [503, 'vault_unavailable'])
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
  }

  /** Holds that a request is refused in time. */
  async function refuses(answering: Promise<Answer>): Promise<void> {
    const late = new Promise<'late'>(done => setTimeout(done, PATIENCE_MS, 'late').unref())
    const answer = await Promise.race([answering, late])
    assert.notEqual(answer, 'late')
    assertRefused(answer as Answer)
  }

  /** A login up to the EHR's answer, which is the callback's URL. */
  async function beginLogin(browser: Browser): Promise<string> {
    const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
    const authorize = `${begun.headers.get('location')}&patient=ben-ortega&auto=1`
    const stopped = await browser.navigate(authorize, url => url.startsWith(world.app))
    return stopped.headers.get('location') ?? ''
  }

  const outages: [name: string, begin: () => unknown, end: () => Promise<void> | void][] = [
    ['killed', () => redis.kill(), () => redis.start()],
    ['stopped', () => redis.pause(), () => redis.resume()],
  ]
  for (const [name, begin, end] of outages) {
    test(`[V11] while Redis is ${name} everything is 503 in time, and afterwards all is there (${name})`, async t => {
      const browser = createBrowser()
      const session = await logIn(world, browser, 'amy-shaw')
      const stream = await openStream(
        browser,
        `${(await logIn(world, browser, 'amy-shaw', 'ehr=endless')).fhirBaseUrl}/Patient`,
      )
      const callback = await beginLogin(browser)
      let isOver = false
      const endOnce = async () => {
        if (!isOver) await end()
        isOver = true
      }
      await begin()
      t.after(endOnce)
      // What was read of Redis a moment ago counts for a second at most.
      assert.ok(await eventually(async () => (await read(browser, session)).status === 503))
      const before = asked.length
      const url = `${world.app}/sessions/${session.id}`
      await refuses(read(browser, session))
      await refuses(browser.fetch(url))
      await refuses(browser.fetch(`${world.app}/sessions`))
      await refuses(browser.fetch(callback))
      assert.equal((await fetch(`${world.app}/readyz`)).status, 503)
      assert.equal((await fetch(`${world.app}/healthz`)).status, 200)
      const crowd = Array.from({ length: 200 }, () => refuses(read(browser, session)))
      await Promise.all(crowd)
      assert.deepEqual(
        asked.slice(before).filter(path => path.startsWith('/r4')),
        [],
      )
      assert.ok(stream.isOpen())

      await endOnce()
      assert.ok(await isBack(browser, session))
      // The launch that could not be finished has not been used up.
      const landed = await browser.fetch(callback)
      assert.equal(landed.status, 303, landed.text)
      assert.equal((await browser.fetch(`${world.app}/sessions`)).json<unknown[]>().length, 3)
      assert.ok(stream.isOpen())
      assert.equal((await browser.fetch(`${world.app}/logout`, { method: 'POST' })).status, 200)
      await stream.cut()
    })
  }

  const half: [name: string, begin: string[], end: string[]][] = [
    ['full', ['config', 'set', 'maxmemory', '1'], ['config', 'set', 'maxmemory', '0']],
    ['read-only', ['replicaof', '127.0.0.1', '1'], ['replicaof', 'no', 'one']],
  ]
  for (const [name, begin, end] of half) {
    test(`[V11, V5] a Redis that is ${name} lets sessions read, and nobody in (${name})`, async () => {
      const browser = createBrowser()
      const session = await logIn(world, browser, 'amy-shaw')
      const callback = await beginLogin(browser)
      const tokenCalls = () => asked.filter(path => path.endsWith('/token')).length
      await redis.command(...begin)
      try {
        passed += 2 * MINUTE
        assert.equal((await read(browser, session)).status, 200)
        await refuses(browser.fetch(callback))
        // A renewal that could not be stored is not begun.
        const before = tokenCalls()
        world.sandbox.expireAccessTokens()
        await refuses(read(browser, session))
        assert.equal(tokenCalls(), before)
      } finally {
        await redis.command(...end)
      }
      assert.ok(await isBack(browser, session))
      assert.equal((await browser.fetch(callback)).status, 303)
    })
  }

  test('[V11, V14] a Redis that comes back empty has no sessions: 401, cut streams, new logins', async () => {
    const browser = createBrowser()
    const session = await logIn(world, browser, 'amy-shaw')
    const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=endless')
    const stream = await openStream(browser, `${fhirBaseUrl}/Patient`)
    await redis.command('flushall')
    await redis.kill()
    await redis.start()
    assert.ok(await eventually(async () => (await read(browser, session)).status === 401))
    await stream.cut()
    assert.deepEqual((await browser.fetch(`${world.app}/sessions`)).json(), [])
    const next = await logIn(world, browser, 'amy-shaw')
    assert.equal((await read(browser, next)).status, 200)
  })

  test('[G3] no address, password or command of Redis is in the log', () => {
    const log = world.log.join('')
    assert.match(log, /vault_unavailable/)
    for (const word of ['redis://', `${redis.port}`, 'fhirstorm:record', 'EVAL']) {
      assert.ok(!log.includes(word), word)
    }
  })
})
