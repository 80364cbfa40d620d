// Back-channel logout, over real HTTP: by the real sandbox, which signs out a user and tells the app,
// and by tokens that are almost right, each wrong in one way.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { decodeJwt, SignJWT } from 'jose'
import { type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { createWorld, type World } from '../world/world.ts'
import { launchFromEhr, logIn } from './login.ts'
import {
  buildLogoutClaims,
  createLogoutSigner,
  LOGOUT_EVENT,
  postLogout,
  sendLogout,
} from './logout-token.ts'
import { openStream } from './stream.ts'
import { readTokens } from './tokens.ts'

let world: World
const signer = createLogoutSigner()
const asked: string[] = []
before(async () => {
  world = await createWorld({
    sandbox: {
      faces: [endlessFace, signer.face],
      ehrIds: ehrIdsWith('endless', 'signing'),
      onRequest: ({ path }) => asked.push(path),
    },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['endless', 'signing'])
    },
    adjust({ backchannelLogout }) {
      // So long that no machine is too slow to reach the limit.
      backchannelLogout.rateLimit = { max: 200, timeWindow: 3_600_000 }
    },
  })
  await logIn(world, createBrowser(), 'amy-shaw', 'ehr=signing')
})
after(() => world.close())

const list = async (browser: Browser) =>
  (await browser.fetch(`${world.app}/sessions`)).json<{ id: string }[]>().map(({ id }) => id)

const signToken = (changes: Record<string, unknown>, header?: { alg?: string; typ?: string }) =>
  signer.signToken(world, changes, header)
const post = (body: string | URLSearchParams, headers?: Record<string, string>) =>
  postLogout(world, body, headers)
const send = (token: string) => sendLogout(world, token)

test('[O5, K19] the EHR signs a user out: all their sessions of that login end, nobody else’s', async () => {
  const [browser, elsewhere, neighbour] = [createBrowser(), createBrowser(), createBrowser()]
  await logIn(world, browser, 'amy-shaw')
  const endless = await logIn(world, browser, 'ben-ortega', 'ehr=endless')
  await launchFromEhr(world, elsewhere, 'amy-shaw')
  const nurse = await launchFromEhr(world, neighbour, 'amy-shaw', '&user=nurse')
  const stream = await openStream(browser, `${endless.fhirBaseUrl}/Patient`)
  await world.sandbox.logout('practitioner')
  assert.deepEqual(await list(browser), [])
  assert.deepEqual(await list(elsewhere), [])
  assert.deepEqual(await list(neighbour), [nurse.id])
  await stream.cut()
})

test('[O5] by sid the one login ends, by sub all of the user’s, of unknown ones none', async () => {
  const [one, two, nurse] = [createBrowser(), createBrowser(), createBrowser()]
  const { id } = await logIn(world, one, 'amy-shaw')
  const other = await logIn(world, two, 'amy-shaw')
  const third = await logIn(world, nurse, 'amy-shaw', 'ehr=general')
  const { identity } = await readTokens(world, one, id)
  assert.ok(identity?.sid)
  assert.notEqual(identity.sid, (await readTokens(world, two, other.id)).identity?.sid)

  assert.equal((await send(await signToken({ sid: 'never-seen' }))).status, 204)
  assert.equal((await send(await signToken({ sub: 'never-seen' }))).status, 204)
  assert.deepEqual(await list(one), [id])

  const out = await send(await signToken({ sid: identity.sid, sub: 'practitioner' }))
  assert.equal(out.status, 204)
  assert.equal(out.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await list(one), [])
  assert.deepEqual([await list(two), await list(nurse)], [[other.id], [third.id]])

  assert.equal((await send(await signToken({ sub: 'practitioner' }))).status, 204)
  assert.deepEqual([await list(two), await list(nurse)], [[], []])
})

test('[O4, Q37] a token whose header names no type, or JWT, ends its sessions', async () => {
  const sub = 'practitioner'
  const tokens = [
    await signToken({ sub }, { typ: 'JWT' }),
    await signToken({ sub }, { typ: 'application/logout+jwt' }),
    await signer.sign(buildLogoutClaims(world, { sub })),
  ]
  for (const token of tokens) {
    const browser = createBrowser()
    await logIn(world, browser, 'amy-shaw')
    assert.equal((await send(token)).status, 204)
    assert.deepEqual(await list(browser), [])
  }
})

test('[O4] a token that is wrong in one way ends nothing', async () => {
  const browser = createBrowser()
  const { id } = await logIn(world, browser, 'amy-shaw')
  const { idToken = '', identity } = await readTokens(world, browser, id)
  const sub = 'practitioner'
  const now = Math.floor(Date.now() / 1000)
  const right = await signToken({ sub: 'never-seen' })
  const forged: Record<string, string> = {
    unsigned: await signToken({ sub }, { alg: 'none' }),
    'signed by the public key': await signToken({ sub }, { alg: 'HS256' }),
    'another signature': `${(await signToken({ sub })).split('.').slice(0, 2).join('.')}.${right.split('.')[2]}`,
    'another client': await signToken({ sub, aud: 'another-client' }),
    'no client': await signToken({ sub, aud: undefined }),
    'another issuer of the same origin': await signToken({ sub, iss: `${world.sandbox.url}/x` }),
    'a nonce': await signToken({ sub, nonce: 'n' }),
    'no events': await signToken({ sub, events: undefined }),
    'another event': await signToken({ sub, events: { 'https://other.example/event': {} } }),
    'an event that is no object': await signToken({ sub, events: { [LOGOUT_EVENT]: true } }),
    'neither sid nor sub': await signToken({}),
    'no jti': await signToken({ sub, jti: undefined }),
    'no iat': await signToken({ sub, iat: undefined }),
    'an old one': await signToken({ sub, iat: now - 3600 }),
    'one of the future': await signToken({ sub, iat: now + 3600 }),
    'one that is over': await signToken({ sub, exp: now - 3600 }),
    'an access token': await signToken({ sub }, { typ: 'at+jwt' }),
    'an id_token': idToken,
    'an id_token that was signed again': await signer.sign(decodeJwt(idToken)),
    rubbish: 'rubbish',
    'rubbish in three parts': 'e30.e30.e30',
  }
  for (const [name, token] of Object.entries(forged)) {
    const { status, headers, text } = await send(token)
    assert.equal(status, 400, name)
    assert.equal(headers.get('cache-control'), 'no-store', name)
    assert.match(text, /"code":"logout_token_invalid"/, name)
    assert.deepEqual(await list(browser), [id], name)
  }
  const twice = new URLSearchParams([
    ['logout_token', right],
    ['logout_token', right],
  ])
  assert.equal((await post(twice)).status, 400)
  assert.equal((await post(new URLSearchParams())).status, 400)
  assert.equal(identity?.sub, sub)
})

test('[O4] a token counts once', async () => {
  const token = await signToken({ sub: 'practitioner' })
  assert.equal((await send(token)).status, 204)
  const browser = createBrowser()
  const { id } = await logIn(world, browser, 'amy-shaw')
  const answers = await Promise.all(Array.from({ length: 10 }, () => send(token)))
  for (const { status } of answers) assert.equal(status, 400)
  assert.deepEqual(await list(browser), [id])
})

test('[O4] an unknown issuer is not asked for anything, and nobody else is', async t => {
  // Nothing is cached yet, so whoever were asked for keys would be seen.
  let calls = 0
  const foreign = createServer((_request, response) => {
    calls++
    response.end('{}')
  })
  foreign.listen(0, '127.0.0.1')
  await once(foreign, 'listening')
  t.after(() => foreign.close())
  const fresh = await createWorld({ sandbox: { onRequest: () => calls++ } })
  t.after(() => fresh.close())
  const { port } = foreign.address() as AddressInfo
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuers = [`http://127.0.0.1:${port}`, 'https://evil.example', 'file:///etc/passwd', 'x']
  for (const iss of [...issuers, `${fresh.sandbox.url}.evil.example`, '', undefined]) {
    const claims = buildLogoutClaims(fresh, { sub: 'practitioner', iss })
    const header = { alg: 'ES256', typ: 'logout+jwt', kid: 'k', jku: `http://127.0.0.1:${port}/` }
    const token = await new SignJWT(claims).setProtectedHeader(header).sign(privateKey)
    assert.equal((await sendLogout(fresh, token)).status, 400, iss)
  }
  const claims = buildLogoutClaims(fresh, { sub: 'practitioner', aud: 'another-client' })
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
  assert.equal((await sendLogout(fresh, token)).status, 400)
  assert.equal(calls, 0)
})

test('[O6] large bodies and other media types are refused unread', async () => {
  const large = new URLSearchParams({ logout_token: 'x'.repeat(17 * 1024) })
  assert.equal((await post(large)).status, 413)
  const huge = await post('x'.repeat(10 * 1024 * 1024), {
    'content-type': 'application/x-www-form-urlencoded',
  }).catch(() => ({ status: 413 }))
  assert.equal(huge.status, 413)
  const asJson = { 'content-type': 'application/json' }
  const token = await signToken({ sub: 'practitioner' })
  assert.equal((await post(JSON.stringify({ logout_token: token }), asJson)).status, 415)
})

test('[G2] no claim of any of these tokens is in the log', () => {
  const log = world.log.join('')
  for (const word of ['practitioner', 'never-seen', 'eyJ', 'evil.example', 'Rivera']) {
    assert.ok(!log.includes(word), word)
  }
})

test('[O6, DS2] a flood is refused by address', async () => {
  let refused = 0
  for (let round = 0; round < 15 && refused === 0; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => send('rubbish')))
    const late = answers.filter(({ status }) => status === 429)
    for (const { headers } of late) assert.ok(Number(headers.get('retry-after')) > 0)
    refused += late.length
  }
  assert.ok(refused > 0)
})
