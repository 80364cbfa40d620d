import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, type App, createApp, json, type Tokens } from './app.ts'

let sandbox: Sandbox
let app: App
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  app = createApp(sandbox)
})
after(() => sandbox.close())

const amy = { parameters: { patient: 'amy-shaw', auto: '1' } }
const hiro = { parameters: { patient: 'hiro-tanaka', auto: '1' } }

const statusOf = async ({ access_token: token }: Tokens, patient: string) =>
  (await app.fhir(token, `/Patient/${patient}`)).status

test('two launches of one user for two patients stay two, through renewals', async () => {
  const browser = createBrowser()
  let a = await app.login(browser, amy)
  let b = await app.login(browser, hiro)
  for (let round = 0; round < 2; round++) {
    assert.deepEqual([a.patient, b.patient], ['amy-shaw', 'hiro-tanaka'])
    assert.deepEqual([await statusOf(a, 'amy-shaw'), await statusOf(a, 'hiro-tanaka')], [200, 403])
    assert.deepEqual([await statusOf(b, 'amy-shaw'), await statusOf(b, 'hiro-tanaka')], [403, 200])
    a = await json<Tokens>(app.refresh(a.refresh_token))
    b = await json<Tokens>(app.refresh(b.refresh_token))
  }
})

test('a refresh token that is used twice ends its grant, and no other', async () => {
  const browser = createBrowser()
  const first = await app.login(browser, amy)
  const other = await app.login(browser, hiro)
  const second = await json<Tokens>(app.refresh(first.refresh_token))
  assert.notEqual(second.refresh_token, first.refresh_token)
  const reused = await app.refresh(first.refresh_token)
  assert.equal((await json(reused)).error, 'invalid_grant')
  assert.equal(await statusOf(second, 'amy-shaw'), 401)
  assert.equal((await app.refresh(second.refresh_token)).status, 400)
  assert.equal(await statusOf(other, 'hiro-tanaka'), 200)
})

test('a renewal may ask for less, and never for more', async () => {
  const { refresh_token: token } = await app.login(createBrowser(), amy)
  const less = await app.refresh(token, { scope: 'patient/*.cruds openid' })
  const tokens = await json<Tokens>(less)
  assert.equal(tokens.scope, 'patient/*.cruds openid')
  const more = await app.refresh(tokens.refresh_token, { scope: 'user/*.cruds' })
  assert.equal((await json(more)).error, 'invalid_scope')
})

test('a revoked refresh token takes its grant with it', async () => {
  const tokens = await app.login(createBrowser(), amy)
  const response = await fetch(`${sandbox.url}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({
      token: tokens.refresh_token,
      client_id: tutorialClient.id,
      client_secret: tutorialClient.secret,
    }),
  })
  assert.equal(response.status, 200)
  assert.equal((await app.refresh(tokens.refresh_token)).status, 400)
  assert.equal(await statusOf(tokens, 'amy-shaw'), 401)
})

test('access tokens end by themselves and on command', async t => {
  const short = await startSandbox({ port: 0, appUrl: APP_URL, accessTokenSeconds: 600 })
  t.after(() => short.close())
  const client = createApp(short)
  const tokens = await client.login(createBrowser(), amy)
  assert.equal(tokens.expires_in, 600)
  short.expireAccessTokens()
  const response = await client.fhir(tokens.access_token, '/Patient/amy-shaw')
  assert.equal(response.status, 401)
  assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer .*invalid_token/)
  assert.equal((await client.refresh(tokens.refresh_token)).status, 200)
  short.expireRefreshTokens()
  assert.equal((await client.refresh(tokens.refresh_token)).status, 400)
})

test('a token opens the FHIR base it was asked for, and no other', async () => {
  const { access_token: token } = await app.login(createBrowser(), amy)
  const other = await createApp(sandbox, 'dstu2').fhir(token, '/Patient/amy-shaw')
  assert.equal(other.status, 401)
})

test('a logout at the EHR tells the app by a logout token', async t => {
  const told: string[] = []
  const listener = createServer(async (req, res) => {
    const body = await text(req)
    told.push(new URLSearchParams(body).get('logout_token') ?? '')
    res.end()
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    listener.closeAllConnections()
    listener.close()
  })
  const { port } = listener.address() as AddressInfo
  const redirectUris = [`${APP_URL}/redirect`]
  await sandbox.register({
    ...{ clientId: 'listening', method: 'client_secret_basic', secret: 's', redirectUris },
    backchannelLogoutUri: `http://127.0.0.1:${port}/backchannel-logout`,
  })
  const client = createApp(sandbox, 'r4', { clientId: 'listening', secret: 's' })
  const { id_token: idToken, ...tokens } = await client.login(createBrowser(), {
    parameters: { user: 'nurse', patient: 'amy-shaw', auto: '1' },
  })
  await sandbox.logout('nurse')
  assert.equal(told.length, 1)
  const keys = createRemoteJWKSet(new URL(`${sandbox.url}/oauth/jwks`))
  const { payload } = await jwtVerify(told[0] ?? '', keys, {
    issuer: sandbox.url,
    audience: 'listening',
    typ: 'logout+jwt',
  })
  assert.equal(payload.sub, 'nurse')
  assert.equal(payload.sid, decodeJwt(idToken).sid)
  assert.equal((await client.refresh(tokens.refresh_token)).status, 200, 'offline access goes on')
})

test('a user signs out on the page that the app leads to', async () => {
  const browser = createBrowser()
  const { id_token: hint } = await app.login(browser, amy)
  const query = new URLSearchParams({
    id_token_hint: hint,
    post_logout_redirect_uri: `${APP_URL}/`,
    state: 'after',
  })
  const asked = await browser.navigate(`${sandbox.url}/oauth/logout?${query}`)
  assert.match(asked.text, /Sign out\?/)
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(asked.text) ?? []
  const done = await browser.fetch(`${sandbox.url}/oauth/logout/confirm`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `xsrf=${xsrf}&logout=yes`,
  })
  assert.equal(done.headers.get('location'), `${APP_URL}/?state=after`)
  const next = await browser.navigate(app.request().url, url => url.startsWith(APP_URL))
  assert.match(next.text, /<h1>Sign in<\/h1>/)
})
