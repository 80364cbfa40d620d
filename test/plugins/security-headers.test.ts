// The headers of every answer, by the plugin alone and on every route of the whole product.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import frontend from '../../plugins/frontend.ts'
import securityHeaders from '../../plugins/security-headers.ts'
import {
  assertPagePolicy,
  closedPolicy,
  filesPolicy,
  readPolicies,
  sandboxedPolicy,
} from '../browser/policies.ts'
import { createBrowser } from '../world/browser.ts'
import { createWorld } from '../world/world.ts'
import { buildBareApp } from './alone.ts'

test('routes may say otherwise, FHIR paths are left alone, and an embedding EHR may frame', async t => {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(securityHeaders, { frameAncestors: ['https://ehr.example.org'], secure: true })
  app.get('/plain', async () => 'ok')
  app.get('/public', async (_request, reply) => reply.header('cache-control', 'public').send('ok'))
  app.get('/fhir', { config: { fhir: true } }, async () => 'ok')
  const plain = (await app.inject('/plain')).headers
  assert.equal(plain['cache-control'], 'no-store')
  assert.match(
    String(plain['content-security-policy']),
    /frame-ancestors https:\/\/ehr\.example\.org/,
  )
  assert.equal(plain['x-frame-options'], undefined)
  assert.ok(plain['strict-transport-security'])
  assert.equal((await app.inject('/public')).headers['cache-control'], 'public')
  assert.equal((await app.inject('/fhir')).headers['content-security-policy'], undefined)
})

test('[X12] a window parts from the one that opened it, unless the app needs it', async t => {
  for (const [keepOpener, policy] of [
    [undefined, 'same-origin'],
    [true, 'unsafe-none'],
  ] as const) {
    const app = buildBareApp()
    t.after(() => app.close())
    await app.register(securityHeaders, { keepOpener })
    await app.register(frontend, { root: `${process.cwd()}/examples/smart-app`, keepOpener })
    app.get('/plain', async (_request, reply) => reply.redirect('/elsewhere'))
    for (const path of ['/plain', '/launch.html']) {
      const { headers } = await app.inject(path)
      assert.equal(headers['cross-origin-opener-policy'], policy, path)
    }
  }
})

test('[L24, X11, S9] no answer of any route can be framed, sniffed, cached or told by Referer', async t => {
  const world = await createWorld()
  t.after(() => world.close())
  const browser = createBrowser()
  const paths = [
    ...['/sessions', '/ehrs', '/login', '/login?ehr=general', '/launch', '/redirect', '/healthz'],
    ...['/docs', '/openapi.yaml', '/nowhere', '/', '/sessions/x/fhir/Patient', '/fhir/Patient'],
  ]
  const seen = { pages: 0, closed: 0, sandboxed: 0, files: 0 }
  for (const path of paths) {
    const kinds: Record<string, string>[] = [
      {},
      { 'sec-fetch-mode': 'navigate', accept: 'text/html' },
    ]
    for (const headers of kinds) {
      const answer = await browser.fetch(world.app + path, { headers })
      const policy = answer.headers.get('content-security-policy') ?? ''
      if (path.includes('/fhir')) {
        assert.deepEqual(readPolicies(policy), [sandboxedPolicy], path)
        seen.sandboxed++
      } else if (path === '/' || path === '/nowhere') {
        // What is no route of ours is looked for among the frontend's files.
        assert.deepEqual(readPolicies(policy), [filesPolicy], path)
        seen.files++
      } else if (/^text\/html/.test(answer.headers.get('content-type') ?? '')) {
        assertPagePolicy(policy, answer.text)
        seen.pages++
      } else {
        assert.deepEqual(readPolicies(policy), [closedPolicy], path)
        seen.closed++
      }
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', path)
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer', path)
      assert.equal(answer.headers.get('cross-origin-resource-policy'), 'same-origin', path)
      if (path !== '/') assert.match(answer.headers.get('cache-control') ?? '', /^no-store/, path)
    }
  }
  assert.deepEqual(Object.values(seen).includes(0), false, JSON.stringify(seen))
})
