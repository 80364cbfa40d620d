import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import guard from '../../plugins/guard.ts'
import { exchangeRaw } from '../network/raw.ts'
import { buildBareApp } from './alone.ts'

const publicUrl = 'https://app.example.org/bff'
const spa = 'https://spa.example.net'
const host = 'app.example.org'
let app: FastifyInstance
let port: number
let handled = 0

before(async () => {
  app = buildBareApp()
  await app.register(guard, { publicUrl, frontendOrigins: [spa, 'https://app.example.org'] })
  app.get('/open', async () => 'open')
  app.get('/health', { config: { anyHost: true } }, async () => 'alive')
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/guarded',
    handler: async request => {
      app.smartGuard.check(request)
      handled++
      return { script: app.smartGuard.isScript(request) }
    },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  port = (app.server.address() as { port: number }).port
})
after(() => app.close())

test('[P6] any other Host is a 421 on every route but those that serve any', async () => {
  for (const [value, expected] of [
    [host, 200],
    ['app.example.org:443', 200],
    ['spa.example.net', 200],
    ['evil.example', 421],
    ['127.0.0.1', 421],
    ['a@b/../"<x>', 421],
  ] as const) {
    const answer = await app.inject({ url: '/open', headers: { host: value } })
    assert.equal(answer.statusCode, expected, value)
    const health = await app.inject({ url: '/health', headers: { host: value } })
    assert.equal(health.statusCode, 200, value)
  }
  const unknownPath = await app.inject({ url: '/nowhere', headers: { host: 'evil.example' } })
  assert.equal(unknownPath.statusCode, 421)
})

test('[P6] a missing or doubled Host is refused', async () => {
  const close = 'Connection: close\r\n\r\n'
  const doubled = `GET /open HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\n${close}`
  assert.match(await exchangeRaw(port, doubled), /^HTTP\/1\.1 400 /)
  assert.match(await exchangeRaw(port, `GET /open HTTP/1.0\r\n${close}`), /^HTTP\/1\.1 400 /)
  assert.match(await exchangeRaw(port, `GET /open HTTP/1.1\r\n${close}`), /^HTTP\/1\.1 400 /)
})

test('[P4] a target that is no path of ours is refused, whatever host it names', async () => {
  for (const target of [
    ...['http://app.example.org/open', 'https://app.example.org/open', 'http://evil.example/open'],
    ...['http://app.example.org/health', '*'],
  ]) {
    const method = target === '*' ? 'OPTIONS' : 'GET'
    const bytes = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    assert.match(await exchangeRaw(port, bytes), /^HTTP\/1\.1 400 /, target)
  }
})

test('[X7] a pre-flight of the frontend is answered, one of anybody else tells nothing', async () => {
  const ask = (origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/guarded',
      headers: {
        host,
        origin,
        'access-control-request-method': 'DELETE',
        'access-control-request-headers': 'if-match,x-csrf',
      },
    })
  const allowed = await ask(spa)
  assert.equal(allowed.statusCode, 204)
  assert.equal(allowed.headers['access-control-allow-origin'], spa)
  assert.equal(allowed.headers['access-control-allow-credentials'], 'true')
  assert.match(String(allowed.headers['access-control-allow-methods']), /DELETE/)
  assert.match(String(allowed.headers['access-control-allow-headers']), /If-Match.*X-CSRF/)
  assert.equal(allowed.headers.vary, 'Origin')
  for (const origin of ['https://evil.example', 'null', 'https://spa.example.net.evil.example']) {
    const refused = await ask(origin)
    assert.equal(refused.statusCode, 403)
    assert.equal(refused.headers.vary, 'Origin')
    const told = Object.keys(refused.headers).filter(name => name.startsWith('access-control'))
    assert.deepEqual(told, [])
  }
  assert.equal(handled, 0)
})

test('[X7] an answer may be read by the frontend at its own origin alone', async () => {
  const read = (origin: string) =>
    app.inject({ url: '/guarded', headers: { host, origin, 'sec-fetch-site': 'cross-site' } })
  const allowed = await read(spa)
  assert.equal(allowed.statusCode, 200)
  assert.equal(allowed.headers['access-control-allow-origin'], spa)
  assert.match(String(allowed.headers['access-control-expose-headers']), /Proxy-Status/)
  assert.equal(allowed.headers.vary, 'Origin', 'no cache gives it to another origin')
  const refused = await read('https://evil.example')
  assert.equal(refused.statusCode, 403)
  assert.equal(refused.headers['access-control-allow-origin'], undefined)
  const own = await app.inject({
    url: '/guarded',
    headers: { host, origin: 'https://app.example.org', 'sec-fetch-site': 'same-origin' },
  })
  assert.equal(own.statusCode, 200)
  assert.equal(own.headers['access-control-allow-origin'], undefined)
})

test('[X2, X14] unsafe methods need our Origin or the header, whatever they claim to be', async () => {
  const send = (headers: Record<string, string>) =>
    app.inject({ method: 'DELETE', url: '/guarded', headers: { host, ...headers } })
  assert.equal((await send({})).statusCode, 403)
  assert.equal((await send({ 'x-http-method-override': 'GET' })).statusCode, 403)
  assert.equal((await send({ 'x-csrf': '1' })).statusCode, 200)
  const doubled = `DELETE /guarded HTTP/1.1\r\nHost: ${host}\r\nX-CSRF: 1\r\nX-CSRF: 1\r\nConnection: close\r\n\r\n`
  assert.match(await exchangeRaw(port, doubled), /^HTTP\/1\.1 403 /)
})
