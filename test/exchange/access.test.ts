// Where the sessions of proxied requests come from: no session is guessed, and no token of nowhere is used.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessByHost, accessByTicket } from '../../src/exchange/access.ts'
import type { OpenSession } from '../../src/session/session.ts'

const publicUrl = 'https://app.example.org/bff'
const iss = 'https://ehr.example.org/fhir'

test('a request at the alias has the only session it may mean, or none', async () => {
  const open = (ids: string[], isAllowed: boolean) => {
    const parts = {
      tickets: { ids: () => ids, open: (_: unknown, id: string) => ({ recordId: id }) },
      mayUseAlias: () => isAllowed,
    } as unknown as Parameters<typeof accessByTicket>[0]
    return accessByTicket(parts, publicUrl).open({} as never, undefined) as OpenSession
  }
  assert.equal(open(['a'], true).recordId, 'a')
  for (const isAllowed of [true, false]) {
    assert.throws(() => open([], isAllowed), { code: 'session_invalid' })
    const links = ['a', 'b'].map(id => ({
      url: `${publicUrl}/sessions/${id}/fhir`,
      rel: 'alternate',
    }))
    assert.throws(() => open(['a', 'b'], isAllowed), { code: 'session_ambiguous', links })
  }
  assert.throws(() => open(['a'], false), { code: 'session_ambiguous' })
})

test('a host names a registered EHR, and gives no token again that was refused', async () => {
  const given = { ehr: 'general', accessToken: 'one' }
  const host = {
    publicUrl,
    registrations: ['general', 'another'].map(id => ({ id, iss: `${iss}/${id}` })),
  }
  const asked: unknown[] = []
  const access = accessByHost(async (_request, how) => {
    asked.push(how)
    return given
  }, host)
  const open = await access.open({}, 'a')
  assert.equal(open.session.iss, `${iss}/general`)
  await assert.rejects(async () => access.renew(open), { code: 'upstream_unauthorized' })
  const unnamed = await access.open({}, undefined)
  await assert.rejects(async () => access.renew(unnamed), { code: 'upstream_unauthorized' })
  assert.deepEqual(asked, [
    { session: 'a' },
    { session: 'a', refused: 'one' },
    { session: undefined },
    { session: undefined, refused: 'one' },
  ])
  given.accessToken = 'two'
  assert.equal(await access.renew(open), 'two')
  Object.assign(given, { ehr: 'another', accessToken: 'three' })
  await assert.rejects(async () => access.renew(open), { code: 'upstream_unauthorized' })
  given.ehr = 'stranger'
  await assert.rejects(async () => access.open({}, 'a'), /no registered EHR/)
})
