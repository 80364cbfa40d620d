import assert from 'node:assert/strict'
import * as http from 'node:http'
import * as https from 'node:https'
import { connect, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createAgent, createPool, type Peer } from '../../src/network/connect.ts'
import { createAuthority, type KeyPair } from './certificates.ts'
import { listen, listenRaw, start } from './listen.ts'

const authority = createAuthority()
const certificate = authority.issue('DNS:ehr.test,IP:127.0.0.1')

/** A CONNECT proxy that leads every tunnel to one local port and keeps what it was asked. */
async function listenProxy(t: TestContext, port: number, pair?: KeyPair, status = 200) {
  const asked: http.IncomingMessage[] = []
  const server = pair ? https.createServer(pair) : http.createServer()
  server.on('request', (_, response) => response.writeHead(405).end())
  server.on('connect', (request, socket: Socket) => {
    asked.push(request)
    const target = connect(port, '127.0.0.1', () => {
      socket.write(`HTTP/1.1 ${status} Connection established\r\n\r\n`)
      socket.pipe(target).pipe(socket)
    })
    target.on('error', () => socket.destroy())
    socket.on('error', () => target.destroy()).on('close', () => target.destroy())
  })
  return { ...(await start(t, server, pair ? 'https' : 'http')), asked }
}

async function get(
  t: TestContext,
  origin: string,
  peer: Peer,
  connectTimeoutMs = 30_000,
): Promise<string> {
  const agent = createAgent(peer, { connectTimeoutMs })
  t.after(() => agent.destroy())
  return await agent.request({ origin, path: '/', method: 'GET' }).then(
    ({ body }) => body.text(),
    (error: { code?: string; message: string }) => String(error.code),
  )
}

function proxied(proxy: string): Peer {
  return { iss: 'https://ehr.test/fhir', network: { reach: 'public', ca: authority.ca, proxy } }
}

test('a tunnel is open at any status of success', async t => {
  const server = await listen(t, (_, response) => response.end('reached'), certificate)
  const proxy = await listenProxy(t, server.port, undefined, 201)
  assert.equal(await get(t, 'https://ehr.test', proxied(proxy.origin)), 'reached')
})

test('reaches a TLS server through the outbound proxy of the registration', async t => {
  const server = await listen(
    t,
    (request, response) => response.end(request.headers.host),
    certificate,
  )
  const proxy = await listenProxy(t, server.port)
  assert.equal(await get(t, 'https://ehr.test', proxied(proxy.origin)), 'ehr.test')
  const [request] = proxy.asked
  assert.equal(request?.url, 'ehr.test:443')
  assert.equal(request?.headers['proxy-authorization'], undefined)
})

test('uses the proxy for FHIR pools as well, with the credentials in its address', async t => {
  const server = await listen(t, (_, response) => response.end('fhir'), certificate)
  const proxy = await listenProxy(t, server.port)
  const address = proxy.origin.replace('//', '//broker:s%40cret@')
  const pool = createPool('https://ehr.test:8443', proxied(address))
  t.after(() => pool.destroy())
  const { body } = await pool.request({ path: '/Patient', method: 'GET' })
  assert.equal(await body.text(), 'fhir')
  const [request] = proxy.asked
  assert.equal(request?.url, 'ehr.test:8443')
  const credentials = Buffer.from('broker:s@cret').toString('base64')
  assert.equal(request?.headers['proxy-authorization'], `Basic ${credentials}`)
})

test('[T13] a proxy over TLS proves its own name, and not that of the server behind it', async t => {
  const usual = getCACertificates()
  setDefaultCACertificates([...usual, authority.ca])
  t.after(() => setDefaultCACertificates(usual))
  const server = await listen(t, (_, response) => response.end('reached'), certificate)
  const proxies: [names: string, expected: string][] = [
    ['IP:127.0.0.1', 'reached'],
    ['DNS:ehr.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ]
  for (const [names, expected] of proxies) {
    const proxy = await listenProxy(t, server.port, authority.issue(names))
    assert.equal(await get(t, 'https://ehr.test', proxied(proxy.origin)), expected, names)
    assert.equal(proxy.asked.length, expected === 'reached' ? 1 : 0)
  }
})

test('[T13] verifies the server behind the proxy', async t => {
  const stranger = createAuthority('A stranger').issue('DNS:ehr.test')
  const server = await listen(t, () => assert.fail('a request was sent'), stranger)
  const proxy = await listenProxy(t, server.port)
  const code = await get(t, 'https://ehr.test', proxied(proxy.origin))
  assert.equal(code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

test('[L5, L2] asks no proxy for an address that is not to be reached', async t => {
  const proxy = await listenProxy(t, 9)
  for (const host of ['127.0.0.1', '169.254.169.254', '[::1]', '10.0.0.1']) {
    assert.equal(await get(t, `https://${host}`, proxied(proxy.origin)), 'ADDRESS_REFUSED', host)
  }
  assert.equal(proxy.connections, 0)
})

test('[L2, L25] asks no proxy for a name that leads to this machine, to metadata or to no public server', async t => {
  const server = await listen(t, (_, response) => response.end('reached'), certificate)
  const proxy = await listenProxy(t, server.port)
  const names = [
    ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'ip6-localhost', hostname()],
    ...['metadata.google.internal', 'Metadata.Google.Internal.', 'metadata', 'instance-data'],
    ...['ehr.internal', 'ehr.local', 'ehr'],
  ]
  for (const name of names) {
    assert.equal(await get(t, `https://${name}`, proxied(proxy.origin)), 'ADDRESS_REFUSED', name)
  }
  assert.equal(proxy.connections, 0)
  const { network } = proxied(proxy.origin)
  const inside: Peer = { iss: 'https://ehr.lan/fhir', network: { ...network, reach: 'private' } }
  for (const name of ['localhost', 'metadata.google.internal', hostname()]) {
    assert.equal(await get(t, `https://${name}`, inside), 'ADDRESS_REFUSED', name)
  }
  assert.equal(proxy.connections, 0)
  assert.notEqual(await get(t, 'https://ehr.lan', inside), 'ADDRESS_REFUSED')
  assert.equal(await get(t, 'https://ehr.test', proxied(proxy.origin)), 'reached')
  assert.deepEqual(
    proxy.asked.map(({ url }) => url),
    ['ehr.lan:443', 'ehr.test:443'],
  )
})

test('reaches a server on this machine in plain HTTP through the proxy, when it is registered', async t => {
  const server = await listen(t, (_, response) => response.end('plain'))
  const proxy = await listenProxy(t, server.port)
  const peer: Peer = { ...proxied(proxy.origin), iss: `${server.origin}/fhir` }
  assert.equal(await get(t, server.origin, peer), 'plain')
  assert.equal(proxy.asked[0]?.url, `127.0.0.1:${server.port}`)
})

test('fails when the proxy refuses, talks nonsense, says too much, hangs or is away', async t => {
  const replies: readonly (readonly [reply: string, expected: RegExp])[] = [
    ['HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n', /^PROXY_REFUSED$/],
    [
      'HTTP/1.1 302 Found\r\nlocation: http://evil.test/\r\ncontent-length: 0\r\n\r\n',
      /^PROXY_REFUSED$/,
    ],
    ['HTTP/1.1 200 OK\r\n\r\ntoo early', /^PROXY_REFUSED$/],
    ['SSH-2.0-OpenSSH\r\n', /^HPE_/],
    ['', /^ETIMEDOUT$/],
  ]
  for (const [reply, expected] of replies) {
    const proxy = await listenRaw(t, socket => socket.once('data', () => socket.write(reply)))
    // Nothing is waited for but the answer that never comes.
    const patienceMs = reply === '' ? 300 : 30_000
    const code = await get(t, 'https://ehr.test', proxied(proxy.origin), patienceMs)
    assert.match(code, expected, reply)
  }
  assert.equal(await get(t, 'https://ehr.test', proxied('http://127.0.0.1:1')), 'ECONNREFUSED')
})

test('a proxy is reached at whichever of its addresses takes connections', async t => {
  const server = await listen(t, (_, response) => response.end('reached'), certificate)
  const proxy = await listenProxy(t, server.port)
  const { port } = new URL(proxy.origin)
  const peer = proxied(`http://proxy.test:${port}`)
  // The first refuses, the second is on no network, the third is the proxy's.
  const addresses = ['127.0.0.2', '2001:db8::1', '127.0.0.1'].map(address => ({
    ...{ address, family: isIP(address) },
  }))
  const agent = createAgent(peer, { resolveName: (_, done) => done(null, addresses) })
  t.after(() => agent.destroy())
  const { body } = await agent.request({ origin: 'https://ehr.test', path: '/', method: 'GET' })
  assert.equal(await body.text(), 'reached')
  // By this machine's own resolver: a name with two addresses, and one with none.
  assert.equal(await get(t, 'https://ehr.test', proxied(`http://localhost:${port}`)), 'reached')
  const nowhere = await get(t, 'https://ehr.test', proxied(`http://proxy.invalid:${port}`))
  assert.match(nowhere, /^(ENOTFOUND|EAI_AGAIN)$/)
})

test('refuses a proxy address that is none before anything is connected', () => {
  for (const proxy of ['', 'proxy.test:3128/', 'http://%zz@proxy.test:3128']) {
    assert.throws(() => createAgent(proxied(proxy)), proxy)
  }
})
