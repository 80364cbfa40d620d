import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import discovery, { type DiscoveryOptions } from '../../plugins/discovery.ts'
import type { BrokerError } from '../../src/errors.ts'
import type { Registration } from '../../src/smart/types.ts'
import { createAuthority } from '../network/certificates.ts'
import { listen, listenRaw } from '../network/listen.ts'
import { buildRegistration } from '../smart/registration.ts'
import { measureHeld } from '../world/held-memory.ts'

const SMART = '/fhir/.well-known/smart-configuration'

function registrationOf(origin: string, more: Partial<Registration> = {}): Registration {
  return buildRegistration({ iss: `${origin}/fhir`, scope: 'launch patient/*.rs', ...more })
}

async function start(t: TestContext, options: DiscoveryOptions) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(discovery, options)
  await app.ready()
  return app.smartDiscovery
}

/** A plain EHR that counts what it is asked. */
async function listenEhr(t: TestContext, handler?: RequestListener) {
  const asked: string[] = []
  const server = await listen(t, (request, response) => {
    asked.push(String(request.url))
    if (handler) return handler(request, response)
    if (request.url !== SMART) return response.writeHead(404).end()
    response.end(configurationOf(server.origin))
  })
  return Object.assign(server, { asked })
}

function configurationOf(origin: string, changes: object = {}): string {
  return JSON.stringify({
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/keys`,
    capabilities: ['launch-ehr'],
    code_challenge_methods_supported: ['S256'],
    ...changes,
  })
}

async function refusalOf(result: Promise<unknown>): Promise<BrokerError> {
  return await result.then(
    () => assert.fail('nothing was refused'),
    (refusal: BrokerError) => refusal,
  )
}

async function codeOf(result: Promise<unknown>): Promise<string> {
  return await result.then(
    () => 'resolved',
    (error: BrokerError) => error.code,
  )
}

test('[L15, L17] what an app before knew serves while the EHR is away, and only what a registration still allows', async t => {
  let isAway = false
  const ehr = await listenEhr(t, (request, response) => {
    if (isAway || request.url !== SMART) return response.writeHead(isAway ? 503 : 404).end()
    response.end(configurationOf(ehr.origin))
  })
  const registration = registrationOf(ehr.origin)
  const first = await start(t, { registrations: [registration] })
  assert.deepEqual(first.known(), [])
  await first.resolve(registration)
  isAway = true
  const resolve = async (changes: Partial<Registration>) => {
    const changed = { ...registration, ...changes }
    const next = await start(t, { registrations: [changed], before: first.known() })
    return await codeOf(next.resolve(changed))
  }
  for (const changes of [{}, { name: 'Another name' }, { clientId: 'another' }]) {
    assert.equal(await resolve(changes), 'resolved', JSON.stringify(changes))
  }
  for (const changes of [
    { iss: `${ehr.origin}/other` },
    { origins: [ehr.origin, 'https://further.test'] },
    { issuers: ['https://issuer.test'] },
    { scope: 'openid' },
    { idToken: 'require' as const },
    { responseIss: 'https://issuer.test' },
    { network: { reach: 'private' as const } },
  ]) {
    assert.equal(await resolve(changes), 'issuer_busy', JSON.stringify(changes))
  }
  const other = await start(t, {
    registrations: [{ ...registration, id: 'other' }],
    before: first.known(),
  })
  assert.equal(await codeOf(other.resolve({ ...registration, id: 'other' })), 'issuer_busy')
})

test('resolves an EHR over HTTP, once, and tells its state', async t => {
  const ehr = await listenEhr(t)
  const registration = registrationOf(ehr.origin)
  const smartDiscovery = await start(t, { registrations: [registration] })
  assert.deepEqual(
    smartDiscovery.states().map(({ state }) => state),
    ['unknown'],
  )
  const server = await smartDiscovery.resolve(registration)
  assert.equal(server.tokenEndpoint, `${ehr.origin}/token`)
  assert.equal(await smartDiscovery.resolve(registration), server)
  assert.deepEqual(ehr.asked, [SMART])
  assert.deepEqual(
    smartDiscovery.states().map(({ ehr, state }) => [ehr, state]),
    [['general', 'fresh']],
  )
})

test('[L16] asks an EHR once for five hundred launches on a cold start', async t => {
  const ehr = await listenEhr(t)
  const registration = registrationOf(ehr.origin)
  const { resolve } = await start(t, { registrations: [registration] })
  await Promise.all(Array.from({ length: 500 }, () => resolve(registration)))
  assert.deepEqual(ehr.asked, [SMART])
})

test('[L6, Q32] follows no redirect of a description to another origin, and says which', async t => {
  const evil = await listenEhr(t)
  for (const status of [301, 302, 307, 308]) {
    const ehr = await listenEhr(t, (_, response) => {
      response.writeHead(status, { location: `${evil.origin}${SMART}` }).end()
    })
    const registration = registrationOf(ehr.origin)
    const { resolve } = await start(t, { registrations: [registration] })
    const { code, detail } = await refusalOf(resolve(registration))
    assert.equal(code, 'endpoint_not_pinned')
    assert.equal(detail, `redirected to ${evil.origin}: add it to the registration's origins`)
    assert.deepEqual(ehr.asked, [SMART, '/fhir/metadata'])
  }
  assert.equal(evil.connections, 0)
})

test('[L17, L5, L10] gives no endpoint on another port or host, and connects to none', async t => {
  const evil = await listenEhr(t)
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
    const ehr = await listenEhr(t, (_, response) => {
      response.end(configurationOf(ehr.origin, { [name]: `${evil.origin}/x` }))
    })
    const registration = registrationOf(ehr.origin, { scope: 'openid' })
    const { resolve, fetchFor } = await start(t, { registrations: [registration] })
    assert.equal(await codeOf(resolve(registration)), 'endpoint_not_pinned')
    assert.equal(await codeOf(fetchFor(registration)(`${evil.origin}/x`)), 'endpoint_not_pinned')
  }
  assert.equal(evil.connections, 0)
})

test('[L7, LD-10] reads large metadata up to its cap and refuses more, in flat memory', async t => {
  const extension = {
    url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
    extension: [
      { url: 'authorize', valueUri: '/authorize' },
      { url: 'token', valueUri: '/token' },
    ],
  }
  let padding = 500_000
  const ehr = await listenEhr(t, (request, response) => {
    if (request.url !== '/fhir/metadata') return response.writeHead(404).end()
    const rest = [{ mode: 'server', security: { extension: [extension] } }]
    const head = JSON.stringify({ resourceType: 'CapabilityStatement', rest }).slice(0, -1)
    response.write(`${head},"description":"`)
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let left = padding
    const pump = (): unknown => {
      if (response.destroyed) return
      if (left <= 0) return response.end('"}')
      left -= chunk.length
      return response.write(chunk) ? setImmediate(pump) : response.once('drain', pump)
    }
    pump()
  })
  const registration = registrationOf(ehr.origin)
  const { resolve } = await start(t, { registrations: [registration] })
  const server = await resolve(registration)
  assert.equal(server.source, 'metadata')
  assert.equal(server.authorizationEndpoint, `${ehr.origin}/authorize`)
  padding = 30_000_000
  let now = 0
  const refusing = await start(t, { registrations: [registration], now: () => now })
  const memory: number[] = []
  for (let round = 0; round < 6; round++) {
    now += 60_000
    assert.equal(await codeOf(refusing.resolve(registration)), 'bad_metadata')
    memory.push(measureHeld() / 2 ** 20)
  }
  const [warm = 0] = memory
  assert.ok(Math.max(...memory) - warm < 20, `memory grew: ${memory.map(Math.round)} MB`)
})

test('[L8] ends a slow EHR at the deadline while another is served', async t => {
  const slow = await listenRaw(t, (socket: Socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n{')
    const timer = setInterval(() => socket.write(' '), 50)
    socket.on('close', () => clearInterval(timer))
  })
  const ehr = await listenEhr(t)
  const hostile = Array.from({ length: 50 }, (_, i) =>
    registrationOf(slow.origin, { id: `slow-${i}` }),
  )
  const victim = registrationOf(ehr.origin)
  const { resolve } = await start(t, { registrations: [...hostile, victim] })
  const order: string[] = []
  const calls = hostile.map(async registration => {
    assert.equal(await codeOf(resolve(registration)), 'issuer_timeout')
    order.push('slow')
  })
  await resolve(victim)
  order.push('victim')
  await Promise.all(calls)
  assert.equal(order[0], 'victim')
})

test('[L15] answers a bad description by a refusal, and the good one that follows by a result', async t => {
  let bad = true
  let now = 0
  const ehr = await listenEhr(t, (_, response) => {
    response.end(bad ? '{"token_endpoint":' : configurationOf(ehr.origin))
  })
  const registration = registrationOf(ehr.origin)
  const { resolve, states } = await start(t, { registrations: [registration], now: () => now })
  assert.equal(await codeOf(resolve(registration)), 'bad_metadata')
  assert.equal(states()[0]?.state, 'failing')
  bad = false
  now += 30_000
  assert.equal(await codeOf(resolve(registration)), 'resolved')
})

test('[I10, I12] verifies by the keys of the EHR, over the guarded network', async t => {
  const { privateKey, publicKey } = await generateKeyPair('ES384')
  const keys = [{ ...(await exportJWK(publicKey)), kid: '1' }]
  const ehr = await listenEhr(t, (request, response) => {
    if (request.url === '/keys') return response.end(JSON.stringify({ keys }))
    if (request.url === '/huge') return response.end(`{"keys":[${'{},'.repeat(500_000)}{}]}`)
    response.writeHead(307, { location: '/keys' }).end()
  })
  const registration = registrationOf(ehr.origin)
  const { keysFor } = await start(t, { registrations: [registration] })
  const token = await new SignJWT({ sub: 'x' })
    .setProtectedHeader({ alg: 'ES384', kid: '1' })
    .sign(privateKey)
  await jwtVerify(token, keysFor(registration, `${ehr.origin}/keys`))
  await jwtVerify(token, keysFor(registration, `${ehr.origin}/moved`))
  const huge = jwtVerify(token, keysFor(registration, `${ehr.origin}/huge`))
  assert.equal(await codeOf(huge), 'bad_jwks')
  const elsewhere = jwtVerify(token, keysFor(registration, 'http://127.0.0.1:9/keys'))
  assert.equal(await codeOf(elsewhere), 'endpoint_not_pinned')
})

test('discovers over TLS with a private CA and a client certificate', async t => {
  const authority = createAuthority()
  const server = await listen(t, (_, response) => response.end(configurationOf(server.origin)), {
    ...authority.issue('IP:127.0.0.1'),
    ca: authority.ca,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const clientCertificate = authority.issue('DNS:fhirstorm.test')
  const network = { reach: 'public', ca: authority.ca, clientCertificate } as const
  const known = registrationOf(server.origin, { network })
  const stranger = registrationOf(server.origin, { id: 'stranger' })
  const { resolve } = await start(t, { registrations: [known, stranger] })
  assert.equal((await resolve(known)).tokenEndpoint, `${server.origin}/token`)
  assert.equal(await codeOf(resolve(stranger)), 'issuer_unreachable')
})

test('ends its connections with the application', async t => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>()
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>()
  const ehr = await listenRaw(t, socket => {
    socket.once('data', () => onAsked()).once('close', () => onClosed())
  })
  const registration = registrationOf(ehr.origin)
  const app = Fastify()
  await app.register(discovery, { registrations: [registration] })
  await app.ready()
  const pending = codeOf(app.smartDiscovery.resolve(registration))
  await asked
  await app.close()
  await closed
  assert.equal(await pending, 'issuer_unreachable')
})
