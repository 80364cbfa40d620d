// Calls of the protocol steps: whom they reach, what they send, where redirects lead, how long they wait.

import assert from 'node:assert/strict'
import type * as http from 'node:http'
import { test } from 'node:test'
import { resolveQuirks } from '../../src/smart/quirks.ts'
import { createAuthority } from './certificates.ts'
import { egress, peerOf, refused } from './egress-rig.ts'
import { listen, listenRaw } from './listen.ts'

test('returns status, body and the headers that protocol steps read, and sends what it is told', async t => {
  const seen: http.IncomingMessage[] = []
  const server = await listen(t, async (request, response) => {
    seen.push(request)
    const body = (await request.toArray()).join('')
    response.writeHead(418, {
      ...{ 'Content-Type': 'application/json', ETag: '"1"', 'set-cookie': 'a=b' },
      'WWW-Authenticate': ['Basic', 'Bearer'],
    })
    response.end(JSON.stringify({ method: request.method, url: request.url, body }))
  })
  const fetch = egress(t, peerOf(server.origin))
  const headers = { 'content-type': 'text/plain', 'accept-encoding': 'gzip' }
  const request = { method: 'POST', body: 'a=ö', headers }
  const response = await fetch(`${server.origin}/token?tenant=1#top`, request)
  assert.equal(response.status, 418)
  assert.deepEqual(await response.json(), { method: 'POST', url: '/token?tenant=1', body: 'a=ö' })
  assert.equal(response.headers.get('etag'), '"1"')
  assert.equal(response.headers.get('www-authenticate'), 'Basic, Bearer')
  assert.equal(response.headers.get('set-cookie'), null)
  assert.equal(seen[0]?.headers['accept-encoding'], 'identity')
  assert.equal(seen[0]?.headers['content-type'], 'text/plain')
})

test('[L17, L19] connects to nothing outside the pinned origins', async t => {
  const evil = await listen(t, (_, response) => response.end('{}'))
  const server = await listen(t, (_, response) => response.end('{}'))
  const fetch = egress(t, peerOf(server.origin))
  for (const url of [
    `${evil.origin}/token`,
    server.origin.replace('http:', 'https:'),
    server.origin.replace('127.0.0.1', 'localhost'),
    `${server.origin}.evil.test/`,
    `${server.origin.replace('//', '//user@')}0/`,
    'javascript:alert(1)',
    'data:application/json,{}',
    'file:///etc/passwd',
    '/token',
    '',
  ]) {
    await refused(fetch(url, { method: 'POST', body: 'secret=hunter2' }), 'endpoint_not_pinned')
  }
  assert.equal(evil.connections + server.connections, 0)
})

test('[L10, AL-01] refuses plain http except to this machine for a registration on it', async t => {
  const server = await listen(t, (_, response) => response.end('{}'))
  const elsewhere = peerOf('https://ehr.test', { origins: ['https://ehr.test', server.origin] })
  await refused(egress(t, elsewhere)(server.origin), 'endpoint_not_pinned')
  const name = peerOf(server.origin, { origins: ['http://ehr.test'] })
  await refused(egress(t, name)('http://ehr.test/'), 'endpoint_not_pinned')
  assert.equal(server.connections, 0)
})

test('[L2, L5] reports a refused address as an unreachable issuer', async t => {
  const server = await listen(t, (_, response) => response.end('{}'))
  const origin = `https://localhost:${server.port}`
  const peer = peerOf('https://ehr.test', { origins: [origin] })
  const error = await refused(egress(t, peer)(origin), 'issuer_unreachable')
  assert.equal(error.detail, 'ADDRESS_REFUSED')
  assert.equal(server.connections, 0)
})

test('[Q32, L6] follows redirects of public documents within the pinned origins, three at most', async t => {
  const evil = await listen(t, (_, response) => response.end('evil'))
  const asked: string[] = []
  const server = await listen(t, ({ url = '', headers }, response) => {
    asked.push(`${url} ${headers.accept}`)
    const [, left = 0, target = '/there'] = /^\/(\d)(.*)$/.exec(url) ?? []
    if (url === '/there') return response.end('good')
    if (url === '/nowhere') return response.writeHead(302, { location: 'http://' }).end()
    if (url === '/silent') return response.writeHead(302).end()
    // No redirect, though it names an address.
    if (url === '/made') return response.writeHead(201, { location: '/there' }).end('made')
    if (url === '/evil') return response.writeHead(307, { location: `${evil.origin}/there` }).end()
    const next = Number(left) > 1 ? `/${Number(left) - 1}${target}` : '/there'
    response.writeHead([301, 302, 303, 307, 308][Number(left) % 5] ?? 302, { location: next }).end()
  })
  const fetch = egress(t, peerOf(server.origin))
  const get = (path: string) =>
    fetch(server.origin + path, { follows: true, headers: { accept: 'application/json' } })
  for (const path of ['/there', '/1', '/2', '/3']) {
    assert.equal(await (await get(path)).text(), 'good', path)
  }
  assert.equal(await (await get('/made')).text(), 'made')
  assert.ok(asked.every(one => one.endsWith(' application/json')))
  const details: unknown[] = []
  for (const path of ['/4', '/nowhere', '/evil']) {
    await assert.rejects(get(path), error => {
      const { code, detail } = error as { code: string; detail: string }
      details.push(detail)
      return code === 'endpoint_not_pinned'
    })
  }
  assert.deepEqual(details, [
    'redirected too often',
    'redirected to no address',
    `redirected to ${evil.origin}: add it to the registration's origins`,
  ])
  assert.equal((await refused(get('/silent'), 'upstream_broken')).detail, 'redirected')
  assert.equal(evil.connections, 0)
})

test('[Q32, L10] a redirect to http at an origin of https stays https by its quirk, and is refused without', async t => {
  const authority = createAuthority()
  const certificate = authority.issue('IP:127.0.0.1')
  const evil = await listen(t, (_, response) => response.end('evil'))
  const server = await listen(
    t,
    ({ url, headers }, response) => {
      if (url === '/there/') return response.end('good')
      const location = url === '/evil' ? `${evil.origin}/there/` : `http://${headers.host}/there/`
      response.writeHead(301, { location }).end()
    },
    certificate,
  )
  const network = { reach: 'public', ca: authority.ca } as const
  const strict = egress(t, peerOf(server.origin, { network }))
  await assert.rejects(strict(`${server.origin}/there`, { follows: true }), {
    code: 'endpoint_not_pinned',
  })
  const quirks = resolveQuirks({ httpAddresses: 'asHttps' })
  const fetch = egress(t, peerOf(server.origin, { network, quirks }))
  const answer = await fetch(`${server.origin}/there`, { follows: true })
  assert.equal(await answer.text(), 'good')
  await assert.rejects(fetch(`${server.origin}/evil`, { follows: true }), {
    code: 'endpoint_not_pinned',
  })
  assert.equal(evil.connections, 0)
})

test('[L6, T3, I10] follows no redirect and sends the body nowhere else', async t => {
  const evil = await listen(t, (_, response) => response.end('{}'))
  for (const status of [300, 301, 302, 303, 307, 308]) {
    const server = await listen(t, (_, response) => {
      response.writeHead(status, { location: `${evil.origin}/` }).end('moved')
    })
    const fetch = egress(t, peerOf(server.origin, { origins: [server.origin, evil.origin] }))
    const request = {
      method: 'POST',
      body: 'secret=hunter2',
      badAnswer: 'bad_token_response',
    } as const
    const error = await refused(fetch(`${server.origin}/token`, request), 'bad_token_response')
    assert.equal(error.detail, 'redirected')
    assert.equal(server.connections, 1)
  }
  assert.equal(evil.connections, 0)
})

test('[L8, T2] ends silence, slow headers and slow bodies at the deadline', async t => {
  const drip = (head: string) => (socket: import('node:net').Socket) => {
    socket.write(head)
    const timer = setInterval(() => socket.write('x'), 10)
    socket.on('close', () => clearInterval(timer))
  }
  for (const onSocket of [
    () => {},
    drip('HTTP/1.1 200 OK\r\nx-slow: '),
    drip('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n'),
  ]) {
    const server = await listenRaw(t, onSocket)
    const fetch = egress(t, peerOf(server.origin))
    await refused(fetch(server.origin, { timeoutMs: 100 }), 'issuer_timeout')
  }
})

test('[L8] ends a name look-up that never answers at the deadline', async t => {
  const peer = peerOf('https://ehr.test')
  const fetch = egress(t, peer, { resolveName: () => {}, timeoutMs: 100 })
  await refused(fetch('https://ehr.test/'), 'issuer_timeout')
})

test('[L8] frees the places of slow calls, so that later ones are served', async t => {
  let slow = true
  const server = await listenRaw(t, socket => {
    socket.on('data', () => slow || socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'))
  })
  const fetch = egress(t, peerOf(server.origin), { connections: 4, timeoutMs: 200 })
  const calls = Array.from({ length: 50 }, () => refused(fetch(server.origin), 'issuer_timeout'))
  await Promise.all(calls)
  slow = false
  assert.equal(await (await fetch(server.origin, { timeoutMs: 5000 })).text(), '{}')
})

test('tells a closed port, a closed connection and an unknown name as an unreachable issuer', async t => {
  const away = 'http://127.0.0.1:1'
  const error = await refused(egress(t, peerOf(away))(away), 'issuer_unreachable')
  assert.equal(error.detail, 'ECONNREFUSED')
  assert.ok(error.cause instanceof Error)
  const closing = await listenRaw(t, socket => socket.once('data', () => socket.destroy()))
  await refused(egress(t, peerOf(closing.origin))(closing.origin), 'issuer_unreachable')
  const notFound = Object.assign(new Error('no hunter2.test'), { code: 'ENOTFOUND' })
  const resolveName = (_: string, done: (error: Error, none: []) => void) => done(notFound, [])
  const unknown = egress(t, peerOf('https://ehr.test'), { resolveName })('https://ehr.test/')
  assert.equal((await refused(unknown, 'issuer_unreachable')).detail, 'ENOTFOUND')
})

test("ends with the caller's own signal and gives its reason", async t => {
  const server = await listenRaw(t, () => {})
  const controller = new AbortController()
  const call = egress(t, peerOf(server.origin))(server.origin, { signal: controller.signal })
  controller.abort(new Error('no longer wanted'))
  await assert.rejects(call, /no longer wanted/)
})

test('[T12] asks the server each time and retries nothing', async t => {
  let calls = 0
  const server = await listen(t, (_, response) => {
    calls++
    response.writeHead(calls < 3 ? 200 : 503, { 'cache-control': 'public, max-age=3600' }).end('{}')
  })
  const fetch = egress(t, peerOf(server.origin))
  for (const status of [200, 200, 503]) {
    assert.equal((await fetch(server.origin)).status, status)
  }
  assert.equal(calls, 3)
})

test('[DS5, DS13] calls that wait for an EHR are bounded, and go on when it answers again', async t => {
  const waiting: (() => void)[] = []
  const server = await listen(
    t,
    (_request, response) => void waiting.push(() => response.end('{}')),
  )
  const fetch = egress(t, peerOf(server.origin), { connections: 2, calls: 4 })
  const calls = Array.from({ length: 4 }, () => fetch(server.origin))
  const busy = await refused(fetch(server.origin), 'issuer_busy')
  assert.equal(busy.status, 503)
  const answered = Promise.all(calls)
  const timer = setInterval(() => {
    for (const go of waiting.splice(0)) go()
  }, 5)
  t.after(() => clearInterval(timer))
  for (const { status } of await answered) assert.equal(status, 200)
  assert.equal((await fetch(server.origin)).status, 200)
})
