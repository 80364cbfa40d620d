// The façade for existing apps alone in a bare Fastify: whose login answers an authorization that waits, where a
// login lands, what a code opens, and what is refused before anything is kept.

import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import facade, { type EndedLogin, type FacadeOptions } from '../../plugins/facade.ts'
import { BrokerError } from '../../src/errors.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { deriveSigningKeys } from '../../src/signing-keys.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { createMemoryVault } from '../../src/vault/memory.ts'
import { buildTokens, createClock, HOUR } from '../session/sessions.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

const publicUrl = 'https://app.example.org'
const callback = `${publicUrl}/app/`
const verifier = 'v'.repeat(43)
const session = 'S'.repeat(22)
const client = {
  clientId: 'existing-app',
  launchUrl: `${publicUrl}/app/launch.html`,
  redirectUris: [callback],
  pkceOptional: false,
}

/** The routes over a memory vault; a browser has the ticket of `session` unless opening is to fail. */
async function build(
  t: TestContext,
  { tokens, ...options }: Partial<FacadeOptions> & { tokens?: Partial<TokenSet> } = {},
) {
  const clock = createClock()
  const memory = createMemoryVault({ now: clock.now, steady: clock.now })
  const vault = { ...memory, deposited: 0 }
  vault.deposit = async (...deposit) => {
    vault.deposited++
    await memory.deposit(...deposit)
  }
  const opened: string[] = []
  const opening: { fault?: Error } = {}
  const guarding: { fault?: Error } = {}
  const app = buildBareApp({
    smartVault: vault,
    smartGuard: {
      check() {
        if (guarding.fault) throw guarding.fault
      },
    },
    smartTickets: {
      async open(_request: unknown, id: string) {
        opened.push(id)
        if (opening.fault) throw opening.fault
        const endsAt = clock.now() + HOUR
        return { session: { id, ehr: 'general', endsAt, tokens: buildTokens(clock.now(), tokens) } }
      },
    },
  })
  t.after(() => app.close())
  await app.register(facade, {
    registrations: ['general', 'other'].map(id => buildRegistration({ id })),
    ...{ publicUrl, client, randomBytes },
    signingKeys: deriveSigningKeys(makeKeyRing(clock.now(), randomBytes), 'facade id token'),
    ...options,
  })

  /** The app's own request, and where it leads. */
  async function ask(changes: Record<string, string> = {}, ehr = 'general', headers = {}) {
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: client.clientId, redirect_uri: callback },
      ...{ aud: `${publicUrl}/smart/${ehr}`, code_challenge_method: 'S256' },
      ...{ code_challenge: hash('sha256', verifier, 'base64url'), ...changes },
    })
    const answer = await app.inject({ url: `/smart/${ehr}/authorize?${query}`, headers })
    const { location = '' } = answer.headers
    return { answer, to: new URL(location, publicUrl).searchParams }
  }

  /** A token request for this code. */
  async function redeem(code: string, ehr = 'general') {
    const answer = await app.inject({
      ...{ method: 'POST', url: `/smart/${ehr}/token` },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        ...{ grant_type: 'authorization_code', client_id: client.clientId },
        ...{ redirect_uri: callback, code_verifier: verifier, code },
      }).toString(),
    })
    return { status: answer.statusCode, json: answer.json() }
  }

  const land = async (login: Partial<EndedLogin>) => {
    const ended = { ehr: 'general', kind: 'standalone', returnTo: '/', session, ...login } as const
    const location = await app.smartFacade?.land(ended)
    return location === undefined ? undefined : new URL(location)
  }
  return { ask, redeem, land, vault, opened, opening, guarding }
}

const codeOf = (url: URL | undefined) => url?.searchParams.get('code') ?? ''

test('[FA2] an authorization that waits is answered by a login at its own EHR, and once', async t => {
  const { ask, land, redeem } = await build(t)
  const waiting = async () => (await ask()).to.get('return_to') ?? ''
  const returnTo = await waiting()
  assert.match(returnTo, /^\/smart\/general\/authorize\/[\w-]{43}$/)
  const token = await redeem(codeOf(await land({ returnTo })))
  assert.deepEqual([token.status, token.json.access_token], [200, session])
  assert.equal(await land({ returnTo }), undefined, 'a second login')
  // The user chose another EHR meanwhile, and its patient is no business of the app's.
  assert.equal(await land({ ehr: 'other', returnTo: await waiting() }), undefined)
  const elsewhere = (await waiting()).replace('/general/', '/other/')
  assert.equal(await land({ ehr: 'other', returnTo: elsewhere }), undefined)
  const denied = await land({ returnTo: await waiting(), session: undefined })
  assert.equal(denied?.searchParams.get('error'), 'access_denied')
  const busy = { session: undefined, error: 'temporarily_unavailable' } as const
  const told = await land({ returnTo: await waiting(), ...busy })
  assert.equal(told?.searchParams.get('error'), 'temporarily_unavailable')
})

test('[FA1, FA2] a launch from the EHR alone lands at the app, with a launch where it went well', async t => {
  const { ask, land, opened } = await build(t)
  assert.equal(await land({ kind: 'standalone' }), undefined)
  const denied = (await land({ kind: 'ehr', session: undefined }))?.searchParams
  assert.deepEqual(
    [denied?.get('error'), denied?.get('launch'), denied?.get('iss')],
    ['access_denied', null, null],
  )
  const landing = await land({ kind: 'ehr' })
  assert.equal(landing?.searchParams.get('iss'), `${publicUrl}/smart/general`)
  const launch = landing?.searchParams.get('launch') ?? ''
  // At another EHR, and then at its own: it was spent by the first try.
  assert.equal((await ask({ launch }, 'other')).to.get('error'), 'invalid_request')
  assert.equal((await ask({ launch })).to.get('error'), 'invalid_request')
  assert.deepEqual(opened, [])
  const again = (await land({ kind: 'ehr' }))?.searchParams.get('launch') ?? ''
  assert.match((await ask({ launch: again })).to.get('code') ?? '', /^[\w-]{43}$/)
  assert.deepEqual(opened, [session])
})

test('[FA2] a code opens nothing at another EHR or without the ticket; what fails is no refusal', async t => {
  const { ask, land, redeem, opened, opening } = await build(t)
  const make = async () => codeOf(await land({ returnTo: (await ask()).to.get('return_to') ?? '' }))
  const invalid = { status: 400, json: { error: 'invalid_grant' } }
  const code = await make()
  assert.deepEqual(await redeem(code, 'other'), invalid)
  assert.deepEqual(await redeem(code), invalid)
  assert.deepEqual(opened, [])
  opening.fault = new BrokerError('session_invalid')
  assert.deepEqual(await redeem(await make()), invalid)
  opening.fault = new BrokerError('vault_unavailable')
  assert.deepEqual(await redeem(await make()), { status: 503, json: { code: 'vault_unavailable' } })
})

test('[FA1] who logged in is told where the EHR has told it, and where there is a key to sign it', async t => {
  const named = { identity: { iss: 'https://ehr.example.org', sub: 'doctor' } }
  for (const [setting, expected] of [
    [{ tokens: named }, 'string'],
    [{ tokens: { identity: undefined } }, 'undefined'],
    [{ tokens: named, signingKeys: [] }, 'undefined'],
  ] as const) {
    const { ask, land, redeem } = await build(t, setting)
    const returnTo = (await ask()).to.get('return_to') ?? ''
    const { status, json } = await redeem(codeOf(await land({ returnTo })))
    assert.deepEqual([status, typeof json.id_token], [200, expected])
  }
})

test('[FA4, C11, DS2] what is malformed, fetched ahead, at no EHR, or beyond the pace of logins leaves nothing behind', async t => {
  const { ask, redeem, vault } = await build(t, { pace: { caller: 2, ehr: 4, all: 8 } })
  const ahead = await ask({}, 'general', { 'sec-purpose': 'prefetch' })
  assert.deepEqual(ahead.answer.json(), { code: 'prefetch_refused' })
  assert.deepEqual((await ask({}, 'nobody')).answer.json(), { code: 'unknown_ehr' })
  const told = (await ask({ response_type: 'token', state: 's' })).to
  assert.deepEqual(
    [told.get('error'), told.get('state'), told.get('return_to')],
    ['unsupported_response_type', 's', null],
  )
  assert.deepEqual((await redeem('c'.repeat(43), 'nobody')).json, { code: 'unknown_ehr' })
  assert.equal(vault.deposited, 0)
  for (let i = 0; i < 2; i++) assert.equal((await ask()).answer.statusCode, 303)
  const over = await ask()
  assert.deepEqual([over.answer.statusCode, over.answer.json().code], [503, 'too_many_logins'])
  assert.equal(vault.deposited, 2)
})

test('[FA2] a page of another site redeems no code, and spends none', async t => {
  const { ask, land, redeem, opened, guarding } = await build(t)
  const code = codeOf(await land({ returnTo: (await ask()).to.get('return_to') ?? '' }))
  guarding.fault = new BrokerError('cross_site')
  assert.deepEqual(await redeem(code), { status: 403, json: { code: 'cross_site' } })
  assert.deepEqual(opened, [])
  guarding.fault = undefined
  assert.equal((await redeem(code)).status, 200)
})
