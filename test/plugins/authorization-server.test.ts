// The talk with an authorization server, alone in a bare Fastify: where its own login ends, and whom nobody can
// ask for that.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import authorizationServer from '../../plugins/authorization-server.ts'
import type { Session } from '../../src/session/session.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

test('[O1, O2] a logout is not led to an EHR that cannot be asked, or that is registered no longer', async t => {
  const asked: unknown[] = []
  let isAway = false
  const app = buildBareApp({
    smartDiscovery: {
      async resolve(registration: unknown) {
        asked.push(registration)
        if (isAway) throw new Error('out of reach')
        return { endSessionEndpoint: 'https://ehr.example.org/logout' }
      },
    },
  })
  t.after(() => app.close())
  await app.register(authorizationServer, { registrations: [buildRegistration()] })
  const urlFor = (ehr: string) =>
    app.smartAuthorization.endSessionUrl({ ehr, tokens: {} } as Session)
  assert.match((await urlFor('general')) ?? '', /^https:\/\/ehr\.example\.org\/logout/)
  assert.equal(await urlFor('gone'), undefined)
  assert.deepEqual(asked, [buildRegistration()])
  isAway = true
  assert.equal(await urlFor('general'), undefined)
})
