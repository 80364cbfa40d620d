// Logging out while the vault cannot be written or reached: the browser is out and its tickets are gone,
// the EHR is told, the answer says that the rest is to come, and it comes by itself.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'
import { type LoggedIn, launchFromEhr, logIn } from '../flow/login.ts'
import { openStream } from '../flow/stream.ts'
import { isAccepted, readTokens } from '../flow/tokens.ts'
import { hasRedis, type RedisServer, startRedis } from '../vault/redis-server.ts'
import { type Answer, type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { eventually } from '../world/eventually.ts'
import { createWorld, type World } from '../world/world.ts'
import { codeOf } from './refresh-rig.ts'

interface Outage {
  world: World
  begin(): unknown
  end(): unknown
}

const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)
ajv.addSchema(parse(readFileSync('openapi.yaml', 'utf8')), 'openapi.yaml')
const isIncomplete = ajv.compile({ $ref: 'openapi.yaml#/components/schemas/LogoutIncomplete' })

/** Holds that a logout is told as it is, and has taken the browser's tickets. */
function assertIncomplete(answer: Answer, ids: string[]): void {
  assert.deepEqual([answer.status, codeOf(answer)], [503, 'logout_incomplete'])
  assert.ok(Number(answer.headers.get('retry-after')) > 0)
  assert.ok(isIncomplete(answer.json()), JSON.stringify(isIncomplete.errors))
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(answer.headers.get('clear-site-data'), '"cache"')
  for (const id of ids) {
    const cleared = answer.setCookies.find(each => each.startsWith(`fhirstorm-${id}=;`))
    assert.match(cleared ?? '', /Max-Age=0/)
  }
}

/** A copy of the browser's cookies, such as somebody may have kept. */
function copyOf({ app }: World, browser: Browser): Browser {
  const copy = createBrowser()
  for (const [name, value] of browser.cookies(app)) copy.setCookie(app, name, value)
  return copy
}

/** Waits until the product is back after an outage. */
async function isReady({ app }: World): Promise<void> {
  assert.ok(await eventually(async () => (await fetch(`${app}/readyz`)).status === 200))
}

async function isInVault({ product }: World, { id }: LoggedIn): Promise<boolean> {
  const store = product.smartSessions
  return (await product.smartVault.read(store.recordId(id))) !== undefined
}

function testOutage(name: string, start: () => Outage): void {
  test(`[O10] one who logs out meanwhile is out, and so is who kept the cookie (${name})`, async t => {
    const { world, begin, end } = start()
    const [browser, neighbour] = [createBrowser(), createBrowser()]
    await isReady(world)
    const session = await logIn(world, browser, 'amy-shaw')
    const theirs = await logIn(world, neighbour, 'amy-shaw')
    const kept = copyOf(world, browser)
    const tokens = await readTokens(world, browser, session.id)
    const reader = createBrowser()
    const endless = await logIn(world, reader, 'amy-shaw', 'ehr=endless')
    const stream = await openStream(reader, `${endless.fhirBaseUrl}/Patient`)
    const endOnce = once(t, end)
    await begin()
    const url = `${world.app}/sessions/${session.id}`
    const out = await browser.fetch(url, { method: 'DELETE' })
    assertIncomplete(out, [session.id])
    const { endSessionUrl } = out.json<{ endSessionUrl: string }>()
    const away = await browser.navigate(endSessionUrl, () => true)
    assert.ok(away.headers.get('location')?.startsWith(world.sandbox.url))
    assert.equal((await browser.fetch(`${session.fhirBaseUrl}/Patient`)).status, 401)
    assert.equal((await kept.fetch(`${session.fhirBaseUrl}/Patient`)).status, 401)
    assert.ok(await eventually(async () => !(await isAccepted(world, tokens))))
    assertIncomplete(await reader.fetch(`${world.app}/logout`, { method: 'POST' }), [endless.id])
    await stream.cut()
    await endOnce()
    assert.ok(await eventually(async () => !(await isInVault(world, session).catch(() => true))))
    assert.equal((await kept.fetch(`${session.fhirBaseUrl}/Patient`)).status, 401)
    assert.ok(
      await eventually(
        async () => (await neighbour.fetch(`${theirs.fhirBaseUrl}/Patient`)).status === 200,
      ),
    )
  })

  test(`[O10] so are all sessions of the browser (${name})`, async t => {
    const { world, begin, end } = start()
    const browser = createBrowser()
    await isReady(world)
    const own = [
      await logIn(world, browser, 'amy-shaw'),
      await launchFromEhr(world, browser, 'ben-ortega'),
    ]
    const kept = copyOf(world, browser)
    const endOnce = once(t, end)
    await begin()
    const out = await browser.fetch(`${world.app}/logout`, { method: 'POST' })
    const ids = own.map(({ id }) => id)
    assertIncomplete(out, ids)
    assert.equal(out.json<{ endSessionUrls: string[] }>().endSessionUrls.length, 2)
    for (const { fhirBaseUrl } of own) {
      assert.equal((await kept.fetch(`${fhirBaseUrl}/Patient`)).status, 401)
    }
    await endOnce()
    for (const session of own) {
      assert.ok(await eventually(async () => !(await isInVault(world, session).catch(() => true))))
    }
    const again = await browser.fetch(`${world.app}/logout`, { method: 'POST' })
    assert.deepEqual([again.status, again.json()], [200, { endSessionUrls: [] }])
  })
}

/** Ends the outage once, with the test at the latest. */
function once(t: TestContext, end: () => unknown): () => Promise<void> {
  let isOver = false
  const endOnce = async () => {
    if (!isOver) await end()
    isOver = true
  }
  t.after(endOnce)
  return endOnce
}

async function start(vault?: object): Promise<World> {
  return await createWorld({
    sandbox: { faces: [endlessFace], ehrIds: ehrIdsWith('endless') },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['endless'])
      if (vault) document.vault = vault
    },
  })
}

describe('over a SQLite file', () => {
  let world: World
  let other: DatabaseSync
  before(async () => {
    world = await start()
    other = new DatabaseSync((world.config.vault as { path: string }).path)
  })
  after(async () => {
    other.close()
    await world.close()
  })

  testOutage('another process holds the file', () => ({
    world,
    begin: () => other.exec('BEGIN IMMEDIATE'),
    end: () => other.exec('ROLLBACK'),
  }))

  test('[O10, K12] an earlier user who could not be ended is not succeeded, and out all the same', async t => {
    const browser = createBrowser()
    const earlier = await launchFromEhr(world, browser, 'amy-shaw')
    const kept = copyOf(world, browser)
    const store = world.product.smartSessions
    const count = (await store.find('ehr', 'general')).length
    const begun = await browser.navigate(
      `${world.sandbox.url}/launch-app?patient=ben-ortega&auto=1&user=nurse`,
      url => url.startsWith(`${world.app}/redirect`),
    )
    const endOnce = once(t, () => other.exec('ROLLBACK'))
    const removing = world.product.smartVault.remove
    world.product.smartVault.remove = async (...args) => {
      // The file is taken between the new record and the ending of the old one.
      other.exec('BEGIN IMMEDIATE')
      world.product.smartVault.remove = removing
      return await removing(...args)
    }
    const callback = begun.headers.get('location') ?? ''
    const refused = await browser.fetch(callback)
    assert.deepEqual([refused.status, codeOf(refused)], [503, 'vault_unavailable'])
    assert.equal((await kept.fetch(`${earlier.fhirBaseUrl}/Patient`)).status, 401)
    await endOnce()
    assert.ok(await eventually(async () => !(await isInVault(world, earlier))))
    // Neither the earlier session nor the one that nobody was given is left.
    assert.ok(
      await eventually(async () => (await store.find('ehr', 'general')).length === count - 1),
    )
    assert.deepEqual((await browser.fetch(`${world.app}/sessions`)).json(), [])
  })
})

describe('over Redis', { skip: !hasRedis() }, () => {
  let redis: RedisServer
  let world: World
  before(async () => {
    redis = await startRedis()
    world = await start({ kind: 'redis', url: redis.url })
  })
  after(async () => {
    await world.close()
    await redis.close()
  })

  testOutage('Redis is killed', () => ({
    world,
    begin: () => redis.kill(),
    end: () => redis.start(),
  }))
  testOutage('Redis is stopped', () => ({
    world,
    begin: () => redis.pause(),
    end: () => redis.resume(),
  }))
  testOutage('Redis is read-only', () => ({
    world,
    begin: () => redis.command('replicaof', '127.0.0.1', '1'),
    end: () => redis.command('replicaof', 'no', 'one'),
  }))
})
