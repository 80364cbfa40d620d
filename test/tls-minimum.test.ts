// TLS 1.2 at least, in both directions, on a machine whose defaults and whose libraries would still speak
// what is older: as after `node --tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0`.

import assert from 'node:assert/strict'
import { createServer as createProxy } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { pino } from 'pino'
import * as redis from 'redis'
import { createFront } from '../program/front.ts'
import { createServer } from '../program/server.ts'
import { createAgent, createPool, type Peer } from '../src/network/connect.ts'
import { resolveBySystem } from '../src/network/names.ts'
import { createTunnels } from '../src/network/tunnel.ts'
import { buildRedisClient } from '../src/vault/redis-client.ts'
import { createAuthority } from './network/certificates.ts'
import { type Listening, listen, start } from './network/listen.ts'
import { findPort } from './world/port.ts'

Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0' })

const authority = createAuthority()
const pair = authority.issue('DNS:localhost,IP:127.0.0.1')
const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
type Version = (typeof versions)[number]

const isNew = (version: Version) => version === 'TLSv1.2' || version === 'TLSv1.3'
const only = (version: Version) => ({ minVersion: version, maxVersion: version })

/** What a client that speaks this version alone agrees on with a server, undefined for nothing. */
async function speak(port: number, version: Version): Promise<string | null | undefined> {
  return await new Promise(done => {
    const options = { host: 'localhost', rejectUnauthorized: false, ...only(version) }
    const socket = tls.connect({ port, ...options }, () => {
      done(socket.getProtocol())
      socket.destroy()
    })
    socket.on('error', () => done(undefined))
  })
}

/** A server that speaks this version alone. */
async function serve(t: TestContext, version: Version): Promise<Listening> {
  const options = { ...pair, ...only(version) }
  return await listen(t, (_request, response) => response.end('spoken'), options)
}

test('[AS-18, T13] our own listener speaks TLS 1.2 and 1.3, and nothing older', async t => {
  const app = createServer({
    logger: pino({ level: 'silent' }),
    trustedProxies: [],
    tls: pair,
  })
  app.get('/', () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  for (const version of versions) {
    const control = await serve(t, version)
    assert.equal(await speak(control.port, version), version, 'this machine speaks it')
    assert.equal(await speak(port, version), isNew(version) ? version : undefined, version)
  }
})

test('[AS-18, T13, RL1] a port speaks nothing older after a reload has brought it another certificate', async t => {
  const port = await findPort()
  const options = { trustedProxies: [], tls: pair }
  const front = createFront(options)
  await front.listen({ host: 'localhost', port })
  t.after(() => {
    front.stop()
    front.close()
  })
  front.renew({ ...options, tls: authority.issue('DNS:localhost,IP:127.0.0.1') })
  for (const version of versions) {
    assert.equal(await speak(port, version), isNew(version) ? version : undefined, version)
  }
})

test('[AS-18, T13] protocol calls and FHIR traffic speak nothing older', async t => {
  for (const version of versions) {
    const { origin } = await serve(t, version)
    const peer: Peer = { iss: `${origin}/fhir`, network: { reach: 'public', ca: authority.ca } }
    for (const dispatcher of [createAgent(peer), createPool(origin, peer)]) {
      t.after(() => dispatcher.destroy())
      const answer = await dispatcher
        .request({ origin, path: '/', method: 'GET' })
        .then(({ body }) => body.text())
        .catch(() => 'refused')
      assert.equal(answer, isNew(version) ? 'spoken' : 'refused', version)
    }
  }
})

test('[AS-18, T13] the way to an outbound proxy speaks nothing older', async t => {
  const usual = tls.getCACertificates()
  tls.setDefaultCACertificates([authority.ca])
  t.after(() => tls.setDefaultCACertificates(usual))
  for (const version of versions) {
    const server = createProxy({ ...pair, ...only(version) })
    server.on('connect', (_request, socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    const { port } = await start(t, server, 'https')
    const opened = await new Promise<boolean>(done => {
      createTunnels(
        `https://127.0.0.1:${port}`,
        5000,
        resolveBySystem,
      )('ehr.test:443', (_error, socket) => {
        socket?.destroy()
        done(socket !== null)
      })
    })
    assert.equal(opened, isNew(version), version)
  }
})

test('[AS-18, V14] the vault speaks nothing older to Redis', async t => {
  for (const version of versions) {
    const { promise: outcome, resolve } = Promise.withResolvers<boolean>()
    const server = tls.createServer({ ...pair, ...only(version) }, () => resolve(true))
    server.on('tlsClientError', () => resolve(false))
    const { port } = await start(t, server, 'rediss')
    const client = buildRedisClient(redis, { url: `rediss://127.0.0.1:${port}`, ca: authority.ca })
    client.onError(() => {})
    client.connect().catch(() => {})
    assert.equal(await outcome, isNew(version), version)
    client.destroy()
  }
})
