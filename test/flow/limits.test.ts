// The limits of sessions, with a clock that the test moves: idle and absolute, what keeps a session
// alive and what does not, how many one browser may have, and who else sat down at it.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type Browser, createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { type LoggedIn, launchFromEhr, logIn } from './login.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

interface Document {
  id: string
  patient: string
  createdAt: string
  idleExpiresAt: string
  idleExpiresIn: number
  expiresIn: number
  expiresAt: string
}

let world: World
let tokenCalls = 0
/** Milliseconds by which the product's clock is ahead of the EHR's. */
let passed = 0
const now = () => Date.now() + passed
const pass = (milliseconds: number) => {
  passed += milliseconds
}
before(async () => {
  world = await createWorld({
    now,
    sandbox: {
      onRequest({ path }) {
        if (path.endsWith('/token')) tokenCalls++
      },
    },
  })
})
beforeEach(() => {
  passed = 0
})
after(() => world.close())

const read = async (browser: Browser, { fhirBaseUrl }: LoggedIn) =>
  (await browser.fetch(`${fhirBaseUrl}/Patient`)).status
const look = (browser: Browser, { id }: LoggedIn, query = '?slide=false') =>
  browser.fetch(`${world.app}/sessions/${id}${query}`)
const list = async (browser: Browser) =>
  (await browser.fetch(`${world.app}/sessions`)).json<Document[]>()
const hasTicket = (browser: Browser, { id }: LoggedIn) =>
  [...browser.cookies(world.app).keys()].some(name => name.endsWith(id))

test('[K6] use keeps a session alive; polling and listing do not', async () => {
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  for (let use = 0; use < 3; use++) {
    pass(14 * MINUTE)
    assert.equal(await read(browser, session), 200)
  }
  pass(14 * MINUTE)
  assert.equal((await look(browser, session, '')).status, 200)
  for (let minute = 0; minute < 14; minute++) {
    pass(MINUTE)
    assert.equal((await look(browser, session)).status, 200)
    assert.equal((await list(browser)).length, 1)
  }
  pass(MINUTE + SECOND)
  assert.equal((await look(browser, session)).status, 401)
  assert.equal(await read(browser, session), 401)
  assert.ok(hasTicket(browser, session))
  assert.deepEqual(await list(browser), [])
  assert.ok(!hasTicket(browser, session))
})

test('[K7] the absolute limit holds, however much the session is used and renewed', async () => {
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  const before = tokenCalls
  const { expiresAt } = (await look(browser, session)).json<Document>()
  for (let use = 0; use < 71; use++) {
    pass(10 * MINUTE)
    assert.equal(await read(browser, session), 200)
  }
  assert.ok(tokenCalls - before > 5)
  assert.equal((await look(browser, session)).json<Document>().expiresAt, expiresAt)
  pass(10 * MINUTE)
  assert.equal(await read(browser, session), 401)
  assert.equal((await look(browser, session)).status, 401)
})

test('the session document lets a frontend count down to both limits', async () => {
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  const first = (await look(browser, session)).json<Document>()
  const left = (time: string) => Date.parse(time) - now()
  assert.ok(left(first.createdAt) <= 0)
  assert.equal(Date.parse(first.expiresAt) - Date.parse(first.createdAt), 12 * HOUR)
  assert.equal(Date.parse(first.idleExpiresAt) - Date.parse(first.createdAt), 15 * MINUTE)

  pass(10 * MINUTE)
  const seen = (await look(browser, session)).json<Document>()
  assert.equal(seen.idleExpiresIn, Math.floor(left(seen.idleExpiresAt) / SECOND))
  assert.equal(seen.expiresIn, Math.floor(left(seen.expiresAt) / SECOND))
  assert.ok(seen.idleExpiresIn <= 5 * 60 && seen.idleExpiresIn > 4 * 60)
  assert.equal(seen.idleExpiresAt, first.idleExpiresAt)
  const used = (await look(browser, session, '')).json<Document>()
  assert.ok(left(used.idleExpiresAt) > 14.5 * MINUTE)
  assert.equal((await look(browser, session)).json<Document>().idleExpiresAt, used.idleExpiresAt)
  assert.equal(used.expiresAt, first.expiresAt)

  // What it tells is what happens.
  pass(left(used.idleExpiresAt) - 5 * SECOND)
  assert.equal((await look(browser, session)).status, 200)
  pass(6 * SECOND)
  assert.equal((await look(browser, session)).status, 401)
})

test('[K12] a ninth login ends the session that was used the longest ago, and takes its cookie', async () => {
  const browser = createBrowser()
  const sessions: LoggedIn[] = []
  for (let i = 0; i < 8; i++) {
    pass(5 * SECOND)
    sessions.push(await logIn(world, browser, i % 2 ? 'amy-shaw' : 'ben-ortega'))
  }
  const [oldest, second] = sessions as [LoggedIn, LoggedIn]
  pass(2 * MINUTE)
  assert.equal(await read(browser, oldest), 200)
  const ninth = await launchFromEhr(world, browser, 'amy-shaw')
  assert.ok(!hasTicket(browser, second))
  const live = (await list(browser)).map(({ id }) => id).sort()
  const expected = [...sessions.filter(each => each !== second), ninth].map(({ id }) => id).sort()
  assert.deepEqual(live, expected)
})

test('[K12] logins that finish at one moment in one browser keep to their patients', async () => {
  const browser = createBrowser()
  const patients = ['amy-shaw', 'ben-ortega', 'elena-rossi']
  const callbacks: string[] = []
  for (const patient of patients) {
    const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
    const authorize = `${begun.headers.get('location')}&patient=${patient}&auto=1`
    const stopped = await browser.navigate(authorize, url => url.startsWith(world.app))
    callbacks.push(stopped.headers.get('location') ?? '')
  }
  const landings = await Promise.all(callbacks.map(url => browser.fetch(url)))
  const ids = landings.map(({ headers }) =>
    new URL(headers.get('location') ?? '').searchParams.get('session'),
  )
  for (const [i, id] of ids.entries()) {
    const document = (await browser.fetch(`${world.app}/sessions/${id}`)).json<Document>()
    assert.equal(document.patient, patients[i])
  }
  assert.equal((await list(browser)).length, 3)
})

test('[L22, K12] a hundred launches leave a browser that works, with a small Cookie header', async () => {
  const browser = createBrowser()
  const size = () => [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ').length
  let largest = 0
  const returnTo = encodeURIComponent(`/?${'x'.repeat(500)}`)
  for (let i = 0; i < 100; i++) {
    pass(SECOND)
    // Every third one is left halfway.
    await browser.navigate(`${world.app}/login?ehr=general&return_to=${returnTo}`, () => true)
    largest = Math.max(largest, size())
    if (i % 3 > 0) await launchFromEhr(world, browser, i % 2 ? 'amy-shaw' : 'ben-ortega')
    largest = Math.max(largest, size())
  }
  assert.equal((await list(browser)).length, 8)
  assert.ok(largest < 4096, `${largest} bytes`)
})

test('sessions that are over for long still lose their cookies at the next login', async () => {
  const browser = createBrowser()
  const sessions = [
    await logIn(world, browser, 'amy-shaw'),
    await logIn(world, browser, 'amy-shaw'),
  ]
  pass(40 * MINUTE)
  const later = await logIn(world, browser, 'ben-ortega')
  for (const session of sessions) assert.ok(!hasTicket(browser, session))
  assert.deepEqual(
    (await list(browser)).map(({ id }) => id),
    [later.id],
  )
})

test('another user at the same browser ends the sessions of the one before', async () => {
  const browser = createBrowser()
  const elsewhere = createBrowser()
  const doctors = [
    await launchFromEhr(world, browser, 'amy-shaw'),
    await launchFromEhr(world, browser, 'ben-ortega'),
  ]
  const others = await launchFromEhr(world, elsewhere, 'amy-shaw')
  const old = await logIn(world, browser, 'amy-shaw', 'ehr=dstu2')
  const nurse = await launchFromEhr(world, browser, 'amy-shaw', '&user=nurse')
  for (const session of doctors) {
    assert.equal(await read(browser, session), 401)
    assert.ok(!hasTicket(browser, session))
  }
  // Another EHR knows other users; another browser is another workstation.
  assert.deepEqual((await list(browser)).map(({ id }) => id).sort(), [old.id, nurse.id].sort())
  assert.equal(await read(elsewhere, others), 200)
})

test('with onUserChange: keep they stay, each its own', async t => {
  const kept = await createWorld({
    configure(document) {
      document.sessions = { onUserChange: 'keep' }
    },
  })
  t.after(() => kept.close())
  const browser = createBrowser()
  const doctor = await launchFromEhr(kept, browser, 'amy-shaw')
  const nurse = await launchFromEhr(kept, browser, 'ben-ortega', '&user=nurse')
  for (const [session, user] of [
    [doctor, 'practitioner'],
    [nurse, 'nurse'],
  ] as const) {
    const document = (await browser.fetch(`${kept.app}/sessions/${session.id}`)).json<{
      user: { sub: string }
    }>()
    assert.equal(document.user.sub, user)
  }
})

test('a clock that is set back or forward ends no session that is in use', async () => {
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  for (const jump of [5 * MINUTE, -3 * HOUR, 10 * MINUTE, -1 * SECOND, 9 * MINUTE]) {
    pass(jump)
    const answers = await Promise.all(Array.from({ length: 5 }, () => read(browser, session)))
    assert.deepEqual(answers, [200, 200, 200, 200, 200])
  }
})
