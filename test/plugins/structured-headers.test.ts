// The headers of our own answers, read by their grammars: whatever a refusal, a cookie or a caller holds,
// each is the one value that was meant.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import cookies from '../../plugins/cookies.ts'
import errors from '../../plugins/errors.ts'
import guard from '../../plugins/guard.ts'
import { BrokerError, type FaultDetail, faultCodes, namingEhr } from '../../src/errors.ts'
import { buildBareApp } from './alone.ts'

const anything = fc
  .array(fc.oneof(fc.nat(0xff), fc.constantFrom(...[...'",;<>=\\\r\n '].map(c => c.charCodeAt(0)))))
  .map(codes => String.fromCharCode(...codes))

/** RFC 8941 section 3: an item with the parameters of RFC 9209. */
const PROXY_STATUS = /^fhirstorm; error=[a-z_]+; details="[a-z_0-9]+"$/
const LINKS =
  /^<[!#-;=?-~]*>; rel="(?:help|alternate)"(?:, <[!#-;=?-~]*>; rel="(?:help|alternate)")*$/

test('[R23] a refusal is one Proxy-Status, whole seconds and whole links', async t => {
  const app = buildBareApp({ smartMetrics: { observe: () => undefined } })
  t.after(() => app.close())
  await app.register(errors, { loginPath: '/login', ehrNames: new Map(), frameAncestors: [] })
  let thrown = new BrokerError('internal')
  app.get('/refused', async () => {
    throw thrown
  })
  const rel = fc.constantFrom('help' as const, 'alternate' as const)
  const detail: fc.Arbitrary<FaultDetail> = fc.record({
    links: fc.array(fc.record({ url: anything, rel }), { maxLength: 3 }),
    retryAfterSeconds: fc.oneof(fc.double(), fc.constantFrom(0, 0.1, -5, 1e300, Number.NaN)),
    detail: anything,
    ehr: anything,
  })
  const property = fc.asyncProperty(fc.constantFrom(...faultCodes), detail, async (code, about) => {
    thrown = new BrokerError(code, about)
    const { headers, statusCode } = await app.inject('/refused')
    assert.equal(statusCode, thrown.status)
    assert.match(String(headers['proxy-status']), PROXY_STATUS)
    assert.match(String(headers['retry-after']), /^[1-9]\d{0,4}$/)
    const count = String(headers.link ?? '').split('>;').length - 1
    assert.equal(count, about.links?.length)
    if (count > 0) assert.match(String(headers.link), LINKS)
  })
  await fc.assert(property, { numRuns: 400 })
})

test('[R23] a cookie has the name, value and attributes that were meant, or is not set', async t => {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(cookies, {
    secure: true,
    ticketSameSite: 'strict',
    keys: { ticket: [randomBytes(32)], launch: [randomBytes(32)] },
    lifetimes: { ticket: 3600, launch: 600 },
  })
  let [id, value] = ['', '']
  app.get('/set', async (_request, reply) => {
    const name = app.smartCookies.names.ticket(id)
    app.smartCookies.set(reply, 'ticket', name, value, { embedded: false, maxAgeSeconds: 60 })
    app.smartCookies.clear(reply, 'launch', app.smartCookies.names.launch(id), { embedded: true })
    return 'set'
  })
  const property = fc.asyncProperty(anything, anything, async (first, second) => {
    ;[id, value] = [first, second]
    const { headers } = await app.inject('/set')
    for (const cookie of [headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...attributes] = cookie.split('; ')
      assert.match(pair, /^__Host-fhirstorm-[!#$%&'*+\-.^_`|~0-9A-Za-z]*=[!#-+\--:<-[\]-~]*$/)
      const isSet = ['Max-Age=60', 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict']
      const isCleared = ['Max-Age=0', 'Path=/', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT']
      const expected = attributes[0] === 'Max-Age=60' ? isSet : isCleared
      for (const attribute of expected) assert.ok(attributes.includes(attribute), cookie)
      assert.ok(attributes.length <= 7, cookie)
    }
  })
  await fc.assert(property, { numRuns: 300 })
})

test('[R23, X7] no caller is named in an Access-Control header but a frontend by its exact origin', async t => {
  const spa = 'https://spa.example.net'
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(guard, {
    publicUrl: 'https://app.example.org/bff',
    frontendOrigins: [spa],
  })
  app.get('/open', async () => 'open')
  const near = fc.constantFrom(spa, `${spa}/`, `${spa}, *`, 'HTTPS://spa.example.net', 'null', '*')
  const origin = fc.oneof(near, fc.stringMatching(/^[ -~]{0,30}$/))
  const property = fc.asyncProperty(origin, anything, async (asked, other) => {
    const headers = {
      host: 'app.example.org',
      origin: asked,
      'access-control-request-method': 'GET',
    }
    const further = { 'access-control-request-headers': other.replace(/[^ -~]/g, '') }
    for (const method of ['GET', 'OPTIONS'] as const) {
      const answer = await app.inject({ method, url: '/open', headers: { ...headers, ...further } })
      const allowed = answer.headers['access-control-allow-origin']
      assert.equal(allowed, asked === spa ? spa : undefined)
      assert.doesNotMatch(
        JSON.stringify(answer.headers['access-control-allow-headers'] ?? ''),
        /[<>;]/,
      )
    }
  })
  await fc.assert(property, { numRuns: 200 })
})

test('a refusal that is given the name of its EHR keeps everything else', async () => {
  const links = [{ url: 'https://ehr.example.org/help', rel: 'help' as const }]
  const cause = new Error('x')
  const told = new BrokerError('session_expired', {
    links,
    cause,
    retryAfterSeconds: 7,
    detail: 'd',
  })
  const named = await namingEhr('general', () => Promise.reject(told)).catch(error => error)
  assert.deepEqual([named.ehr, named.links, named.cause], ['general', links, cause])
  assert.deepEqual([named.code, named.retryAfterSeconds, named.detail], ['session_expired', 7, 'd'])
})
