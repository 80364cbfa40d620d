import assert from 'node:assert/strict'
import { constants } from 'node:crypto'
import type { LookupAddress } from 'node:dns'
import { type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { Dispatcher } from 'undici'
import {
  createAgent,
  createPool,
  type Peer,
  type PoolOptions,
  reachOf,
} from '../../src/network/connect.ts'
import type { ResolveName } from '../../src/network/names.ts'
import { isRegistrableIssuer } from '../../src/smart/issuer.ts'
import { createAuthority } from './certificates.ts'
import { listen } from './listen.ts'

const authority = createAuthority()
const certificate = authority.issue('DNS:localhost,DNS:ehr.test,IP:127.0.0.1')

const publicPeer: Peer = { iss: 'https://ehr.test/fhir', network: { reach: 'public' } }

function loopbackPeer(origin: string, network: Partial<Peer['network']> = {}): Peer {
  return { iss: `${origin}/fhir`, network: { reach: 'public', ...network } }
}

/** One GET over a fresh agent; the body, or the error's code. */
async function get(t: TestContext, url: string, peer: Peer, options?: PoolOptions) {
  const agent = createAgent(peer, options)
  t.after(() => agent.destroy())
  return await request(agent, url)
}

async function request(dispatcher: Dispatcher, url: string): Promise<string> {
  const { origin, pathname } = new URL(url)
  try {
    const { body } = await dispatcher.request({ origin, path: pathname, method: 'GET' })
    return await body.text()
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

function answers(...rounds: readonly (readonly string[])[]): ResolveName & { asked: string[] } {
  const asked: string[] = []
  const resolve: ResolveName = (hostname, done) => {
    const round = rounds[asked.length] ?? rounds.at(-1) ?? []
    asked.push(hostname)
    done(
      null,
      round.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return Object.assign(resolve, { asked })
}

test('[L4] refuses a name when any of its addresses is not to be reached', async t => {
  const server = await listen(t, (_, response) => response.end('reached'))
  for (const addresses of [
    ['127.0.0.1'],
    ['8.8.8.8', '127.0.0.1'],
    ['2606:4700::1111', '::ffff:127.0.0.1'],
    ['10.0.0.1'],
    ['169.254.169.254'],
  ]) {
    const resolveName = answers(addresses)
    const url = `http://ehr.test:${server.port}/`
    assert.equal(await get(t, url, publicPeer, { resolveName }), 'ADDRESS_REFUSED')
    assert.deepEqual(resolveName.asked, ['ehr.test'])
  }
  assert.equal(server.connections, 0)
})

test('[PS1] a look-up that fails gives its code, also where it gives no addresses, or none at all', async t => {
  const failing = (code: string): ResolveName => {
    return (_hostname, done) => done(Object.assign(new Error(code), { code }))
  }
  const nothing: ResolveName = (_hostname, done) => done(null)
  for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL']) {
    const resolveName = failing(code)
    assert.equal(await get(t, 'https://ehr.test', publicPeer, { resolveName }), code)
  }
  for (const resolveName of [nothing, answers([])]) {
    assert.equal(await get(t, 'https://ehr.test', publicPeer, { resolveName }), 'ADDRESS_REFUSED')
  }
})

test('[PS1] the resolver of this machine, asked for a name that nobody has', async t => {
  for (const scheme of ['http', 'https']) {
    const origin = `${scheme}://ehr.invalid`
    assert.match(await get(t, origin, publicPeer), /^(ENOTFOUND|EAI_AGAIN)$/)
    const pool = createPool(origin, publicPeer)
    t.after(() => pool.destroy())
    assert.match(await request(pool, origin), /^(ENOTFOUND|EAI_AGAIN)$/)
  }
})

test('[L4] judges the addresses again for each connection and connects to the judged one', async t => {
  const server = await listen(t, (_, response) => {
    response.setHeader('connection', 'close').end('reached')
  })
  const resolveName = answers(['127.0.0.1'], ['127.0.0.1', '169.254.169.254'], ['127.0.0.1'])
  const agent = createAgent(loopbackPeer(server.origin), { resolveName })
  t.after(() => agent.destroy())
  const url = `http://ehr.test:${server.port}/`
  assert.equal(await request(agent, url), 'reached')
  assert.equal(await request(agent, url), 'ADDRESS_REFUSED')
  assert.equal(await request(agent, url), 'reached')
  assert.equal(resolveName.asked.length, 3)
})

test('[L5, L2] refuses address literals that Node would connect to without a look-up', async t => {
  const server = await listen(t, (_, response) => response.end('reached'))
  for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '169.254.169.254', '[::1]', '10.0.0.1']) {
    assert.equal(
      await get(t, `http://${host}:${server.port}/`, publicPeer),
      'ADDRESS_REFUSED',
      host,
    )
  }
  assert.equal(server.connections, 0)
})

test('[L2] opens private addresses by `network: private`, but never this machine or metadata', async t => {
  const server = await listen(t, (_, response) => response.end('reached'))
  const peer: Peer = { ...publicPeer, network: { reach: 'private' } }
  for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '[fd00:ec2::254]']) {
    assert.equal(await get(t, `http://${host}:${server.port}/`, peer), 'ADDRESS_REFUSED', host)
  }
  assert.equal(server.connections, 0)
  assert.deepEqual(reachOf(peer), { private: true, loopback: false })
  assert.deepEqual(reachOf(publicPeer), { private: false, loopback: false })
})

test('reaches this machine for a registration whose FHIR base lies on it', async t => {
  const server = await listen(t, (_, response) => response.end('reached'))
  assert.equal(await get(t, `${server.origin}/`, loopbackPeer(server.origin)), 'reached')
  const pool = createPool(server.origin, loopbackPeer(server.origin))
  t.after(() => pool.destroy())
  assert.equal(await request(pool, server.origin), 'reached')
})

test('[T13, AL-01] refuses certificates that are self-made, for another name, or expired', async t => {
  const reached = () => assert.fail('a request was sent')
  const stranger = createAuthority('A stranger')
  const expected = {
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: stranger.issue('IP:127.0.0.1'),
    ERR_TLS_CERT_ALTNAME_INVALID: authority.issue('DNS:other.test'),
    CERT_HAS_EXPIRED: authority.issue('IP:127.0.0.1', -1),
  }
  for (const [code, tls] of Object.entries(expected)) {
    const server = await listen(t, reached, tls)
    const peer = loopbackPeer(server.origin, { ca: authority.ca })
    assert.equal(await get(t, server.origin, peer), code)
  }
})

test('[T13] verifies certificates even where the environment says otherwise', async t => {
  const server = await listen(t, () => assert.fail('a request was sent'), certificate)
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  t.after(() => {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  })
  const peer = loopbackPeer(server.origin)
  assert.equal(await get(t, server.origin, peer), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

test('[R20] FHIR traffic too: a certificate that has changed or expired ends it, plain http is refused', async t => {
  const server = await listen(
    t,
    () => assert.fail('a request was sent'),
    authority.issue('IP:127.0.0.1', -1),
  )
  const pool = createPool(server.origin, loopbackPeer(server.origin, { ca: authority.ca }))
  t.after(() => pool.destroy())
  for (let i = 0; i < 3; i++) {
    assert.equal(await request(pool, server.origin), 'CERT_HAS_EXPIRED')
  }
  assert.equal(isRegistrableIssuer('http://ehr.example.org/fhir'), false)
})

test('[AS-18, T13] refuses TLS 1.1', async t => {
  const server = await listen(t, () => assert.fail('a request was sent'), {
    ...certificate,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    secureOptions: constants.SSL_OP_NO_TLSv1_2 | constants.SSL_OP_NO_TLSv1_3,
  })
  const peer = loopbackPeer(server.origin, { ca: authority.ca })
  assert.match(await get(t, server.origin, peer), /^ERR_SSL_|^UND_ERR_SOCKET|^ECONNRESET/)
})

test('trusts the private CA of a registration, with TLS 1.2 or later', async t => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const server = await listen(
      t,
      (request, response) => response.end((request.socket as TLSSocket).getProtocol()),
      { ...certificate, minVersion: version, maxVersion: version },
    )
    const peer = loopbackPeer(server.origin, { ca: authority.ca })
    assert.equal(await get(t, server.origin, peer), version)
    const pool = createPool(server.origin, peer)
    t.after(() => pool.destroy())
    assert.equal(await request(pool, server.origin), version)
  }
})

test('shows the client certificate of a registration to a server that demands one', async t => {
  const clients = createAuthority('Clients')
  const server = await listen(
    t,
    (request, response) => {
      response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN)
    },
    { ...certificate, ca: clients.ca, requestCert: true, rejectUnauthorized: true },
  )
  const peer = loopbackPeer(server.origin, { ca: authority.ca })
  assert.notEqual(await get(t, server.origin, peer), 'fhirstorm test')
  const clientCertificate = clients.issue('DNS:fhirstorm.test')
  const known = { ...peer, network: { ...peer.network, clientCertificate } }
  assert.equal(await get(t, server.origin, known), 'fhirstorm test')
})

test('names the host in TLS, though the connection goes to the judged address', async t => {
  const server = await listen(
    t,
    (request, response) => response.end(String((request.socket as TLSSocket).servername)),
    certificate,
  )
  const peer = loopbackPeer(server.origin, { ca: authority.ca })
  const options = { resolveName: answers(['127.0.0.1']) }
  assert.equal(await get(t, `https://ehr.test:${server.port}/`, peer, options), 'ehr.test')
})
