// A frontend at another origin, in an app of somebody else's: its pre-flights reach the guest wherever it
// stands, and whatever the host has for OPTIONS in scopes of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { startHost } from './host.ts'

const elsewhere = 'https://frontend.example.org'
const settings = { frontend: { origins: [elsewhere], returnTo: '/' } }
const paths = [
  '/sessions',
  '/sessions/events',
  '/sessions/abc',
  '/sessions/abc/fhir/Patient/1',
  '/sessions/abc/fhir',
  '/fhir',
  '/fhir/Patient/1',
  '/ehrs',
  '/logout',
]

const hosts: Record<string, (app: FastifyInstance) => unknown> = {
  'no OPTIONS': () => undefined,
  // As @fastify/cors has it.
  'OPTIONS * in a scope of its own': app =>
    app.register(async scope => {
      scope.options('*', async (_request, reply) => reply.code(204).send())
    }),
}

for (const [name, before] of Object.entries(hosts)) {
  for (const path of ['', '/bff']) {
    test(`[GU1] a guest at ${path || '/'} answers pre-flights beside a host with ${name}`, async t => {
      const { app, guest } = await startHost(t, { path, settings, before })
      const ask = (method: 'OPTIONS' | 'GET', at: string, headers: Record<string, string>) =>
        app.inject({ method, url: guest + at, headers })
      for (const at of paths) {
        const wish = { origin: elsewhere, 'access-control-request-method': 'DELETE' }
        const { statusCode, headers } = await ask('OPTIONS', at, wish)
        assert.deepEqual([statusCode, headers['access-control-allow-origin']], [204, elsewhere], at)
        assert.match(String(headers['access-control-allow-methods']), /DELETE/)
        const stranger = await ask('OPTIONS', at, { ...wish, origin: 'https://evil.example' })
        assert.deepEqual(
          [stranger.statusCode, stranger.headers['access-control-allow-origin']],
          [403, undefined],
        )
      }
    })
  }
}

test('[GU1] an OPTIONS that is no pre-flight goes to the 404 as before, and Allow names no OPTIONS', async t => {
  const below = await startHost(t, { settings })
  const refused = await below.app.inject({ method: 'OPTIONS', url: `${below.guest}/sessions` })
  assert.deepEqual([refused.statusCode, refused.headers.allow], [405, 'GET, HEAD'])
  const atRoot = await startHost(t, { settings, path: '' })
  const told = await atRoot.app.inject({ method: 'OPTIONS', url: `${atRoot.guest}/sessions` })
  assert.deepEqual([told.statusCode, told.json().error], [404, 'Not Found'])
})

test('[GU1] routes of the host beside the guest’s have the OPTIONS that they give themselves', async t => {
  const { app, guest } = await startHost(t, {
    path: '',
    settings,
    after: app => {
      app.get('/own', async () => 'own')
      app.options('/own', async () => 'of the host')
    },
  })
  const answer = await app.inject({ method: 'OPTIONS', url: `${guest}/own` })
  assert.equal(answer.body, 'of the host')
})
