// The launch plugin alone in a bare Fastify: what is asked of the EHR, and what is refused before.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import cookies from '../../plugins/cookies.ts'
import launch from '../../plugins/launch.ts'
import { decodeFormText } from '../../src/form.ts'
import type { PaceLimits } from '../../src/pace.ts'
import { parseEhrLaunch } from '../../src/smart/launch/launch.ts'
import type { AuthorizationServer, Registration } from '../../src/smart/types.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

const server: AuthorizationServer = {
  source: 'smart-configuration',
  issuer: 'https://ehr.example.org',
  issuerAnnounced: true,
  authorizationEndpoint: 'https://ehr.example.org/authorize?tenant=7',
  tokenEndpoint: 'https://ehr.example.org/token',
  capabilities: [],
  issParameterSupported: false,
  pushedAuthorizationRequestsRequired: false,
  associatedEndpoints: [],
  warnings: [],
}

async function build(
  registrations: Registration[],
  found: Partial<AuthorizationServer> = {},
  pace?: Partial<PaceLimits>,
  isDraining?: () => boolean,
) {
  let resolved = 0
  let issued = 0
  const app = buildBareApp({
    smartDiscovery: {
      resolve: async () => {
        resolved++
        return { ...server, ...found }
      },
    },
    smartState: {
      issue: async (material: object) => ({
        state: `state-${++issued}`,
        pending: { ...material, launchId: `launch${issued}`.padEnd(22, 'A') },
        cookie: 'sealed',
      }),
    },
    smartAuthorization: {
      push: async (_r: unknown, _s: unknown, parameters: unknown) => parameters,
    },
  })
  await app.register(cookies, {
    secure: true,
    ticketSameSite: 'strict',
    keys: { ticket: [randomBytes(32)], launch: [randomBytes(32)] },
    lifetimes: { ticket: 3600, launch: 600 },
  })
  await app.register(launch, {
    registrations,
    frontend: { origin: 'https://app.example.org', returnTo: '/' },
    randomBytes,
    pace,
    isDraining,
  })
  return { app, resolved: () => resolved }
}

const one = [buildRegistration()]
const iss = encodeURIComponent('https://ehr.example.org/fhir/r4/')

test('[AL-17, AL-22, AL-25] an EHR launch hands launch and iss back byte for byte', async t => {
  const { app } = await build(one)
  t.after(() => app.close())
  const value = 'a+b/c=%25 &é'.replace('é', '~')
  const response = await app.inject(`/launch?iss=${iss}&launch=${encodeURIComponent(value)}`)
  assert.equal(response.statusCode, 302)
  const location = new URL(response.headers.location as string)
  assert.equal(location.searchParams.get('launch'), value)
  assert.equal(location.searchParams.get('aud'), 'https://ehr.example.org/fhir/r4/')
  assert.equal(location.searchParams.get('tenant'), '7')
  assert.ok(location.searchParams.get('scope')?.split(' ').includes('launch'))
})

test('[AL-25, Q34] what the EHR sent as launch is sent back in the same bytes, and a plus in iss is a plus', async t => {
  const base = 'https://ehr.example.org/fhir+r4'
  const { app } = await build([
    buildRegistration({ iss: base, origins: ['https://ehr.example.org'] }),
  ])
  t.after(() => app.close())
  for (const launch of ['abc+def', 'a%20b', 'a%2Bb', 'a%2bb', 'a:b/c?d=e!$()*,;@~']) {
    const response = await app.inject(`/launch?launch=${launch}&iss=${base}`)
    assert.equal(response.statusCode, 302, launch)
    const location = response.headers.location as string
    assert.ok(location.includes(`&launch=${launch}&`), location)
    assert.equal(new URL(location).searchParams.get('aud'), base)
  }
  // In a form, which says nothing of how it was written, a plus sign is one all the same.
  const registration = buildRegistration({ iss: base })
  for (const [sent, launch] of [
    ['ab+c/+==', 'ab+c/+=='],
    ['a%20b', 'a b'],
    ['a%2Bb', 'a+b'],
  ]) {
    const query = { iss: base, launch: decodeFormText(sent as string) }
    const asked = parseEhrLaunch(query, [registration], { sent: `iss=${base}&launch=${sent}` })
    assert.equal(asked.launch, launch)
  }
  // What may not stand in an address as it is, is escaped.
  const odd = await app.inject(`/launch?launch=${'a"<b>'}&iss=${base}`)
  assert.match(odd.headers.location as string, /&launch=a%22%3Cb%3E&/)
})

test('[AL-16] without launch it is the standalone flow at the registered spelling', async t => {
  const { app } = await build(one)
  t.after(() => app.close())
  const response = await app.inject(`/launch?iss=${iss}`)
  const location = new URL(response.headers.location as string)
  assert.equal(location.searchParams.has('launch'), false)
  assert.equal(location.searchParams.get('aud'), 'https://ehr.example.org/fhir/r4')
})

test('[L1, AL-16] an unknown or missing iss is refused before anything is asked', async t => {
  const { app, resolved } = await build(one)
  t.after(() => app.close())
  for (const [query, code] of [
    ['iss=https%3A%2F%2Fevil.test%2Ffhir&launch=x', 'unknown_issuer'],
    ['launch=x', 'launch_invalid'],
    ['', 'launch_invalid'],
  ]) {
    const response = await app.inject(`/launch?${query}`)
    assert.equal(response.statusCode, 400)
    assert.equal(response.json().code, code)
    assert.equal(response.headers['set-cookie'], undefined)
  }
  assert.equal(resolved(), 0)
})

test('[L14] repeated, bracketed, empty and oversized parameters are refused', async t => {
  const { app } = await build(one)
  t.after(() => app.close())
  for (const query of [
    `iss=${iss}&iss=${iss}&launch=x`,
    `iss=${iss}&launch=x&launch=y`,
    `iss[]=${iss}&launch=x`,
    `iss=${iss}&launch[]=x`,
    `iss=${iss}&launch=`,
    `iss=${iss}&launch=${'a'.repeat(8193)}`,
    `iss=${iss}&launch=a%0d%0ab`,
  ]) {
    const response = await app.inject(`/launch?${query}`)
    assert.equal(response.statusCode, 400, query.slice(0, 80))
  }
})

test('[L22] a sixth launch in one browser makes the oldest give way', async t => {
  const { app } = await build(one)
  t.after(() => app.close())
  const ids = ['one', 'two', 'three', 'four', 'five'].map(id => id.padEnd(22, 'A'))
  const cookie = ids.map(id => `__Host-fhirstorm-launch-${id}=x`).join('; ')
  const response = await app.inject({ url: `/launch?iss=${iss}&launch=x`, headers: { cookie } })
  const lines = [response.headers['set-cookie'] ?? []].flat()
  const cleared = lines.filter(line => /Max-Age=0/.test(line))
  assert.equal(cleared.length, 1)
  assert.match(cleared[0] as string, new RegExp(`^__Host-fhirstorm-launch-${ids[0]}=;`))
  assert.equal(lines.length, 2)
})

test('a launch URL with an id serves that registration, the plain one says it is ambiguous', async t => {
  const { app } = await build([
    buildRegistration({ id: 'patients', clientId: 'for-patients' }),
    buildRegistration({ id: 'staff', clientId: 'for-staff' }),
  ])
  t.after(() => app.close())
  const plain = await app.inject(`/launch?iss=${iss}&launch=x`)
  assert.equal(plain.json().code, 'ambiguous_issuer')
  const named = await app.inject(`/launch/staff?iss=${iss}&launch=x`)
  const location = new URL(named.headers.location as string)
  assert.equal(location.searchParams.get('client_id'), 'for-staff')
  const unknown = await app.inject(`/launch/nobody?iss=${iss}&launch=x`)
  assert.equal(unknown.json().code, 'unknown_ehr')
  const foreign = await app.inject('/launch/staff?iss=https%3A%2F%2Fevil.test&launch=x')
  assert.equal(foreign.json().code, 'unknown_issuer')
})

test('login goes straight to a single EHR and lets one choose among several', async t => {
  const single = await build(one)
  const several = await build([
    buildRegistration({ id: 'a', name: 'St. <b>Anna</b>', iss: 'https://a.example.org' }),
    buildRegistration({ id: 'b', name: 'Bethel', iss: 'https://b.example.org' }),
  ])
  t.after(() => Promise.all([single.app.close(), several.app.close()]))
  assert.equal((await single.app.inject('/login')).statusCode, 302)
  const page = await several.app.inject('/login?return_to=/chart?x=1')
  assert.equal(page.statusCode, 200)
  assert.match(page.body, /href="\?ehr=b&#38;return_to=%2Fchart%3Fx%3D1"/)
  assert.doesNotMatch(page.body, /<b>Anna/)
  assert.match(page.headers['content-security-policy'] as string, /default-src 'none'/)
  assert.equal((await several.app.inject('/login?ehr=b')).statusCode, 302)
  assert.equal((await several.app.inject('/login?ehr=c')).json().code, 'unknown_ehr')
  assert.equal((await several.app.inject('/login?iss=https://b.example.org')).statusCode, 302)
})

test('[AL-32, SC-06] a long request is posted by a page whose policy lets the EHR redirect', async t => {
  const scope = Array.from({ length: 120 }, (_, i) => `patient/Observation.rs?code=${i}`).join(' ')
  const { app } = await build([buildRegistration({ scope })], {
    capabilities: ['authorize-post'],
  })
  t.after(() => app.close())
  const page = await app.inject(`/launch?iss=${iss}&launch=${encodeURIComponent('"><script>')}`)
  assert.equal(page.statusCode, 200)
  assert.match(page.body, /<form method="post" action="https:\/\/ehr\.example\.org\/authorize/)
  assert.match(page.body, /name="launch" value="&#34;&#62;&#60;script&#62;"/)
  const policy = page.headers['content-security-policy'] as string
  assert.doesNotMatch(policy, /form-action/)
  assert.match(policy, /script-src 'sha256-/)
  assert.match(policy, /frame-ancestors 'none'/)
})

test('[C11] a page fetched ahead of time begins no login', async t => {
  const { app, resolved } = await build(one)
  t.after(() => app.close())
  const headers = { 'sec-purpose': 'prefetch;prerender' }
  assert.equal((await app.inject({ url: '/login', headers })).json().code, 'prefetch_refused')
  assert.equal(resolved(), 0)
})

test('[L22, DS2] logins beyond their number in all are a 503, and nothing is begun for them', async t => {
  const { app, resolved } = await build(one, {}, { caller: 2, ehr: 4, all: 8 })
  t.after(() => app.close())
  const from = (remoteAddress: string, url = '/login') => app.inject({ url, remoteAddress })
  assert.equal((await from('192.0.2.1')).statusCode, 302)
  assert.equal((await from('192.0.2.1', `/launch?iss=${iss}&launch=x`)).statusCode, 302)
  const over = await from('192.0.2.1')
  assert.equal(over.statusCode, 503)
  assert.deepEqual(over.json(), { code: 'too_many_logins' })
  assert.equal(resolved(), 2)
  assert.equal((await from('192.0.2.2')).statusCode, 302)
})

test('[AD8] while new logins are not taken none begins, nor is an EHR offered to be chosen', async t => {
  let isDraining = true
  const several = [...one, buildRegistration({ id: 'other', iss: 'https://other.example.org' })]
  const { app, resolved } = await build(several, {}, undefined, () => isDraining)
  t.after(() => app.close())
  for (const url of ['/login', '/login?ehr=other', `/launch?iss=${iss}&launch=x`]) {
    const answer = await app.inject(url)
    assert.deepEqual([answer.statusCode, answer.json()], [503, { code: 'draining' }], url)
  }
  assert.equal(resolved(), 0)
  isDraining = false
  assert.equal((await app.inject('/login')).statusCode, 200)
  assert.equal((await app.inject('/login?ehr=other')).statusCode, 302)
})
