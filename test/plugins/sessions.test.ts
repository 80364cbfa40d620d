// The plugins around tickets, each alone in a bare Fastify with stand-ins for what it needs: tickets,
// sessions, logout, callback, token, admin.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import admin from '../../plugins/admin.ts'
import callback from '../../plugins/callback.ts'
import cookies from '../../plugins/cookies.ts'
import logout from '../../plugins/logout.ts'
import sessionStore from '../../plugins/session-store.ts'
import sessions from '../../plugins/sessions.ts'
import tickets from '../../plugins/tickets.ts'
import { BrokerError } from '../../src/errors.ts'
import { buildLaunchId } from '../../src/smart/launch/state.ts'
import { buildStore, buildTokens, HOUR, ISS, MINUTE } from '../session/sessions.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

const cookieOptions = {
  secure: true,
  ticketSameSite: 'strict' as const,
  keys: { ticket: [randomBytes(32)], launch: [randomBytes(32)] },
  lifetimes: { ticket: 3600, launch: 600 },
}
const guard = { check() {}, isScript: () => true, corsHeaders: () => [] }

async function buildTickets(decorators: Record<string, unknown> = {}) {
  const parts = buildStore()
  const events: string[] = []
  const app = buildBareApp({
    smartVault: parts.vault,
    smartMetrics: {
      count: (event: string) => events.push(event),
      observe() {},
      tell() {},
      show() {},
      noteVault() {},
    },
    smartGuard: guard,
    ...decorators,
  })
  await app.register(cookies, cookieOptions)
  const made = { sealer: parts.sealer, now: parts.clock.now, randomBytes, absoluteMs: 12 * HOUR }
  await app.register(sessionStore, { ...made, idleMs: 15 * MINUTE })
  await app.register(tickets, {
    ...made,
    rules: { perBrowser: 8, onUserChange: 'end' },
    registrations: ['general', 'framed'].map(id => ({ id, iss: ISS, embedded: id === 'framed' })),
  })
  app.post('/begin/:ehr', async (request, reply) => {
    const { ehr } = request.params as { ehr: string }
    const { iss } = request.query as { iss: string }
    const login = { ehr, iss, tokens: buildTokens(parts.clock.now()) }
    const granted = await app.smartTickets.begin(request, login)
    app.smartTickets.grant(reply, granted)
    return { id: granted.open.session.id }
  })
  const begin = async (cookie = '', ehr = 'general', iss = ISS) => {
    const url = `/begin/${ehr}?iss=${encodeURIComponent(iss)}`
    const answer = await app.inject({ method: 'POST', url, headers: { cookie } })
    const lines = [answer.headers['set-cookie'] ?? []].flat()
    return {
      id: String(answer.json().id),
      lines,
      cookie: lines.map(line => line.split(';')[0]).join('; '),
    }
  }
  return { app, begin, events, ...parts }
}

test('[K1, K18] a login gets a Strict ticket and a Lax browser cookie, and no token in either', async t => {
  const { app, begin } = await buildTickets()
  t.after(() => app.close())
  const { id, lines } = await begin()
  const ticket = lines.find(line => line.startsWith(`__Host-fhirstorm-${id}=`)) ?? ''
  assert.match(ticket, /; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  assert.match(lines.find(line => line.includes('-browser=')) ?? '', /SameSite=Lax$/)
  assert.equal(lines.length, 2)
  const framed = await begin('', 'framed')
  for (const line of framed.lines)
    assert.match(line, /; Secure; Partitioned; SameSite=None|Partitioned/)
})

test('[K2, K8, K9] path id, cookie name and content must agree', async t => {
  const { app, begin } = await buildTickets()
  t.after(() => app.close())
  app.get('/open/:id', async request => {
    const open = await app.smartTickets.open(request, (request.params as { id: string }).id)
    return { id: open.session.id }
  })
  const one = await begin()
  const two = await begin()
  const open = async (id: string, cookie: string) =>
    (await app.inject({ url: `/open/${id}`, headers: { cookie } })).statusCode
  const readValue = (cookie: string, id: string) =>
    cookie
      .split('; ')
      .find(pair => pair.includes(id))
      ?.split('=')[1] ?? ''
  const renamed = `__Host-fhirstorm-${two.id}=${readValue(one.cookie, one.id)}`
  assert.equal(await open(two.id, renamed), 401, 'before its text was ever read')
  assert.equal(await open(one.id, `__Host-fhirstorm-${one.id}=${'A'.repeat(99)}`), 401)
  assert.equal(await open(one.id, one.cookie), 200)
  assert.equal(await open(two.id, one.cookie), 401)
  assert.equal(await open(two.id, renamed), 401)
  assert.equal(await open(one.id, `${one.cookie}; ${one.cookie}`), 401)
  assert.equal(await open(one.id, one.cookie.replace('__Host-', '__HOST-')), 401)
  assert.equal(await open(one.id, one.cookie.slice(0, -9)), one.cookie.endsWith('=') ? 401 : 200)
})

test('[K12] a ninth session ends the least recently used one and clears its cookie', async t => {
  const { app, begin, clock } = await buildTickets()
  t.after(() => app.close())
  const first = await begin()
  const browser = first.cookie.split('; ').find(pair => pair.includes('-browser=')) ?? ''
  for (let i = 0; i < 7; i++) {
    clock.pass(1000)
    await begin(browser)
  }
  clock.pass(1000)
  const ninth = await begin(browser)
  const cleared = ninth.lines.filter(line => /Max-Age=0/.test(line))
  assert.equal(cleared.length, 1)
  assert.ok(cleared[0]?.startsWith(`__Host-fhirstorm-${first.id}=;`))
})

test('sessions are listed for their own browser, dead cookies are cleared, none is kept alive', async t => {
  const { app, begin, clock, store } = await buildTickets()
  t.after(() => app.close())
  await app.register(sessions, {
    publicUrl: 'https://app.example.org/bff',
    ehrs: [buildRegistration()],
  })
  const { id, cookie } = await begin()
  clock.pass(10 * MINUTE)
  const [listed] = (await app.inject({ url: '/sessions', headers: { cookie } })).json()
  assert.equal(listed.fhirBaseUrl, `https://app.example.org/bff/sessions/${id}/fhir`)
  assert.deepEqual(listed.scope, { granted: ['patient/*.rs'], missing: [] })
  assert.ok(!JSON.stringify(listed).includes('access-1'))
  clock.pass(6 * MINUTE)
  const later = await app.inject({ url: '/sessions', headers: { cookie } })
  assert.deepEqual(later.json(), [])
  assert.match(String(later.headers['set-cookie']), new RegExp(`fhirstorm-${id}=; Max-Age=0`))
  assert.equal((await app.inject({ url: `/sessions/${id}`, headers: { cookie } })).statusCode, 401)
  assert.deepEqual((await app.inject('/ehrs')).json(), [
    { id: 'general', name: 'General Hospital' },
  ])
  assert.deepEqual(await store.find('ehr', 'general'), [])
})

test('[K17] sessions in an EHR’s frame are told to nobody whom a form of another site could be', async t => {
  const strict = {
    ...guard,
    check({ raw }: { raw: { headers: Record<string, string> } }, how?: { embedded?: boolean }) {
      if (how?.embedded && raw.headers['x-csrf'] !== '1') {
        throw new BrokerError('csrf_header_missing')
      }
    },
  }
  const { app, begin } = await buildTickets({ smartGuard: strict })
  t.after(() => app.close())
  const ehrs = [buildRegistration(), buildRegistration({ id: 'framed', embedded: true })]
  await app.register(sessions, { publicUrl: 'https://app.example.org', ehrs })
  const ask = async ({ id, cookie }: { id: string; cookie: string }, headers = {}) => {
    const urls = ['/sessions', `/sessions/${id}`]
    const asked = urls.map(url => app.inject({ url, headers: { cookie, ...headers } }))
    return (await Promise.all(asked)).map(({ statusCode }) => statusCode)
  }
  assert.deepEqual(await ask(await begin()), [200, 200])
  const framed = await begin('', 'framed')
  assert.deepEqual(await ask(framed), [403, 403])
  assert.deepEqual(await ask(framed, { 'x-csrf': '1' }), [200, 200])
})

test('[V11, O10] while the vault is away no session is called dead, and no ticket is cleared', async t => {
  const { app, begin, vault, clock } = await buildTickets()
  t.after(() => app.close())
  const publicUrl = 'https://app.example.org'
  await app.register(sessions, { publicUrl, ehrs: [buildRegistration()] })
  const { id, cookie } = await begin()
  clock.pass(MINUTE)
  const { head, read } = vault
  vault.head = vault.read = async () => {
    throw new BrokerError('vault_unavailable')
  }
  for (const url of ['/sessions', `/sessions/${id}`]) {
    const away = await app.inject({ url, headers: { cookie } })
    assert.deepEqual([away.statusCode, away.json()], [503, { code: 'vault_unavailable' }], url)
    assert.equal(away.headers['set-cookie'], undefined)
  }
  Object.assign(vault, { head, read })
  const back = await app.inject({ url: '/sessions', headers: { cookie } })
  assert.deepEqual(
    back.json().map((each: { id: string }) => each.id),
    [id],
  )
})

test('[O1] logging out deletes the record before anything is asked of the EHR', async t => {
  const order: string[] = []
  const { app, begin, vault } = await buildTickets({
    smartTokens: { discard: () => order.push('discard') },
    smartAuthorization: { endSessionUrl: async () => 'https://ehr.example.org/logout' },
  })
  t.after(() => app.close())
  const { remove } = vault
  vault.remove = async id => {
    order.push('remove')
    return await remove(id)
  }
  const publicUrl = 'https://app.example.org'
  await app.register(logout, { publicUrl, keys: [Buffer.alloc(32, 7)] })
  const { id, cookie } = await begin()
  const answer = await app.inject({ method: 'DELETE', url: `/sessions/${id}`, headers: { cookie } })
  const { endSessionUrl } = answer.json<{ endSessionUrl: string }>()
  const { pathname, search } = new URL(endSessionUrl)
  const away = await app.inject({ url: pathname + search })
  assert.equal(away.headers.location, 'https://ehr.example.org/logout')
  assert.deepEqual(order, ['remove', 'discard'])
  assert.match(String(answer.headers['set-cookie']), /Max-Age=0/)
  assert.equal(answer.headers['clear-site-data'], '"cache"')
  const all = await app.inject({ method: 'POST', url: '/logout', headers: { cookie } })
  assert.deepEqual(all.json(), { endSessionUrls: [] })
})

test('[P14, O10] the tokens of an EHR that has moved go to nobody else, also where the vault is away', async t => {
  const asked: string[] = []
  const { app, begin, vault } = await buildTickets({
    smartTokens: { discard: () => asked.push('revocation') },
    smartAuthorization: { endSessionUrl: async () => void asked.push('way to its logout') },
  })
  t.after(() => app.close())
  await app.register(logout, { publicUrl: 'https://app.example.org', keys: [Buffer.alloc(32, 7)] })
  const moved = await begin('', 'general', 'https://elsewhere.example.org/fhir')
  const stayed = await begin()
  const leave = async ({ id, cookie }: { id: string; cookie: string }) =>
    (await app.inject({ method: 'DELETE', url: `/sessions/${id}`, headers: { cookie } })).statusCode
  const away = async () => {
    throw new BrokerError('vault_unavailable')
  }
  const there = { ...vault }
  assert.equal(await leave(moved), 401)
  Object.assign(vault, { head: away, remove: away, read: away })
  assert.deepEqual([await leave(moved), asked], [503, []])
  assert.deepEqual([await leave(stayed), asked], [503, ['revocation', 'way to its logout']])
  Object.assign(vault, there)
})

/** Tickets behind a callback of which everything before the handing over goes well, once. */
async function buildCallback(decorators: Record<string, unknown> = {}, exchangeMs = 0) {
  let exchanges = 0
  const pending = {
    launchId: 'x',
    jti: 'j',
    ehr: 'general',
    kind: 'standalone' as const,
    iss: 'https://ehr.example.org/fhir/r4',
    codeVerifier: 'v',
    returnTo: '/app',
    redirectUri: 'https://app.example.org/redirect',
    expiresAt: 0,
  }
  let redeemed = false
  const parts = await buildTickets({
    smartDiscovery: { resolve: async () => ({ issuer: 'https://ehr.example.org' }) },
    smartState: {
      async redeem({ cookie }: { cookie?: string }) {
        if (cookie === undefined) throw new BrokerError('cookie_missing')
        if (redeemed) throw new BrokerError('state_used')
        redeemed = true
        return pending
      },
      async remember() {},
      async recall() {},
    },
    smartAuthorization: {
      async exchange() {
        exchanges++
        await new Promise(done => setTimeout(done, exchangeMs))
        return buildTokens(Date.UTC(2026, 0, 1))
      },
    },
    ...decorators,
  })
  const { app } = parts
  await app.register(callback, {
    registrations: [buildRegistration()],
    publicUrl: 'https://app.example.org',
    frontend: { origin: 'https://app.example.org', returnTo: '/' },
  })
  const launch = `__Host-fhirstorm-launch-${await buildLaunchId('state')}=sealed`
  const call = (path: string, cookie: string) => app.inject({ url: path, headers: { cookie } })
  const again = () => {
    redeemed = false
  }
  return { ...parts, launch, call, again, exchanges: () => exchanges }
}

test('[T14] a login that cannot be led to its app leaves no session, and its tokens go back', async t => {
  const discarded: string[] = []
  const { app, call, launch } = await buildCallback({
    smartTokens: { discard: (ehr: string) => discarded.push(ehr) },
    smartFacade: {
      async land() {
        throw new BrokerError('vault_unavailable')
      },
    },
  })
  t.after(() => app.close())
  const answer = await call('/redirect?code=c&state=state', launch)
  assert.deepEqual([answer.statusCode, answer.headers['set-cookie']], [503, undefined])
  assert.deepEqual(await app.smartSessions.find('ehr', 'general'), [])
  assert.deepEqual(discarded, ['general'])
})

test('[S4, C2] callbacks that wait share one exchange; each redirect URI serves its own EHR', async t => {
  const { app, call, launch, again: replay, exchanges } = await buildCallback({}, 50)
  t.after(() => app.close())
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call('/redirect?code=c&state=state', launch)),
  )
  assert.equal(exchanges(), 1)
  const locations = new Set(answers.map(({ headers }) => headers.location))
  assert.equal(locations.size, 1)
  assert.match(String([...locations][0]), /^https:\/\/app\.example\.org\/app\?session=/)
  // For a minute the same cookie gets the same answer.
  const again = await call('/redirect?code=c&state=state', launch)
  assert.equal(again.headers.location, [...locations][0])
  const other = `__Host-fhirstorm-launch-${await buildLaunchId('other')}=sealed`
  assert.equal((await call('/redirect?code=c&state=other', other)).json().code, 'state_used')
  replay()
  const wrong = await call('/redirect/general?code=c&state=other', other)
  assert.equal(wrong.json().code, 'issuer_mismatch')
  assert.equal((await call('/redirect?code=c&state=state', '')).json().code, 'cookie_missing')
})

test('[AD1, K19] the administrator sees hashes and times, and ends by EHR, user or all', async t => {
  const { store, clock, vault } = buildStore()
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(admin, {
    ehrs: [{ id: 'general', name: 'G' }],
    ...{ store, vault },
    token: 'operator',
    ehrStates: () => [{ ehr: 'general', state: 'unknown' }],
    metricsText: async () => 'up 1\n',
  })
  const headers = { authorization: 'Bearer operator' }
  const begin = (sub: string) =>
    store.begin(
      'https://ehr.example.org',
      buildTokens(clock.now(), { identity: { iss: 'https://i', sub } }),
      'browser',
      'general',
    )
  const doctor = await begin('doctor')
  await begin('nurse')
  assert.equal((await app.inject('/metrics')).statusCode, 401)
  const page = await app.inject({ url: '/metrics', headers: { ...headers, origin: 'https://x' } })
  assert.equal(page.statusCode, 403)
  assert.equal((await app.inject({ url: '/metrics', headers })).body, 'up 1\n')
  const list = await app.inject({ url: '/sessions', headers })
  assert.equal(list.json().length, 2)
  assert.ok(!list.body.includes(doctor.session.id))
  const end = async (query: string) =>
    (await app.inject({ method: 'DELETE', url: `/sessions${query}`, headers })).json()
  assert.equal((await end('')).code, 'bad_request')
  assert.equal((await end('?sub=doctor')).code, 'bad_request')
  assert.equal((await end('?ehr=nowhere')).code, 'unknown_ehr')
  assert.deepEqual(await end('?ehr=general&iss=https://i&sub=doctor'), { ended: 1 })
  assert.deepEqual(await end('?all=true'), { ended: 1 })
})
