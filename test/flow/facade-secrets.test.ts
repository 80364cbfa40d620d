// What strangers may ask of the façade, and that nothing an existing app is given stands in a log line, in the
// files of the vault or in a message of ours.

import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'

const PACE = 8
const verifier = randomBytes(40).toString('base64url')
const state = randomBytes(20).toString('base64url')
const nonce = randomBytes(20).toString('base64url')
let world: World
let base: string

before(async () => {
  world = await createWorld({
    configure(document) {
      document.facade = { launchUrl: '/launch.html', redirectUris: ['/app/'], clientId: 'app' }
    },
    adjust({ facade }) {
      assert.ok(facade)
      facade.pace = { caller: PACE, ehr: 2 * PACE, all: 4 * PACE }
    },
  })
  base = `${world.app}/smart/general`
})
after(() => world.close())

function askFor(changes: Record<string, string> = {}): string {
  const asked = {
    ...{ response_type: 'code', client_id: 'app', redirect_uri: `${world.app}/app/`, aud: base },
    ...{ state, nonce, code_challenge: hash('sha256', verifier, 'base64url') },
    ...{ code_challenge_method: 'S256', ...changes },
  }
  return `${base}/authorize?${new URLSearchParams(asked)}`
}

async function launch() {
  const browser = createBrowser()
  const url = `${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`
  const landed = await browser.navigate(url, next => next.includes('/launch.html'))
  const landing = new URL(landed.headers.get('location') ?? '')
  return { browser, launch: landing.searchParams.get('launch') ?? '' }
}

test('[FA2, G7] nothing that an app is given is in a log line or in the files of the vault', async () => {
  const { browser, launch: given } = await launch()
  const answer = await browser.navigate(askFor({ launch: given }), () => true)
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
  assert.match(code, /^[\w-]{43}$/)
  const redeem = (changes: Record<string, string>) =>
    browser.fetch(`${base}/token`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: new URL(base).origin,
      },
      body: String(
        new URLSearchParams({
          ...{ grant_type: 'authorization_code', code, redirect_uri: `${world.app}/app/` },
          ...{ code_verifier: verifier, ...changes },
        }),
      ),
    })
  // Without a client id it is no request, and the code is still good.
  assert.equal((await redeem({})).json<{ error: string }>().error, 'invalid_request')
  const { access_token: name, id_token: idToken = '' } = (await redeem({ client_id: 'app' })).json<
    Record<string, string>
  >()
  const read = await browser.fetch(`${base}/Patient/amy-shaw`, {
    headers: { authorization: `Bearer ${name}` },
  })
  assert.equal(read.status, 200)
  const wrong = await browser.fetch(`${base}/Patient/amy-shaw`, {
    headers: { authorization: `Bearer ${code}` },
  })
  assert.ok(!wrong.text.includes(code))
  const secrets = [given, code, verifier, state, nonce, idToken, name ?? '']
  const log = world.log.join('')
  const { path } = world.config.vault as { path: string }
  const folder = dirname(path)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.startsWith('vault'))
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  assert.ok(files.length > 0)
  for (const secret of secrets) {
    assert.ok(secret.length >= 20)
    assert.ok(!log.includes(secret), 'in the log')
  }
  for (const secret of [given, code, verifier, idToken]) {
    for (const text of files) assert.ok(!text.includes(secret), 'in the vault')
  }
})

test('[FA4, L22] beyond the pace of logins no authorization waits, while launches of ours go on', async () => {
  const { browser, launch: given } = await launch()
  const stranger = createBrowser()
  for (let i = 0; i < PACE; i++) {
    const begun = await stranger.navigate(askFor(), () => true)
    assert.match(begun.headers.get('location') ?? '', /\/login\?/)
  }
  const over = await stranger.navigate(askFor(), () => true)
  assert.equal(over.status, 503)
  assert.ok(Number(over.headers.get('retry-after')) > 0)
  assert.match(over.headers.get('proxy-status') ?? '', /too_many_logins/)
  const answer = await browser.navigate(askFor({ launch: given }), () => true)
  assert.match(answer.headers.get('location') ?? '', /code=/)
})

test('[FA2] a token endpoint that is asked in another way refuses in the words of the contract', async () => {
  const ask = async (type: string | undefined, body: string) => {
    const headers: Record<string, string> = { origin: new URL(base).origin }
    if (type) headers['content-type'] = type
    const { status, text } = await createBrowser().fetch(`${base}/token`, {
      ...{ method: 'POST', headers, body },
    })
    assert.ok(!text.includes('spelled-out'))
    return status
  }
  assert.equal(await ask('application/json', '{"grant_type":"spelled-out"}'), 415)
  assert.equal(await ask('multipart/form-data; boundary=x', '--x--'), 415)
  assert.equal(await ask('application/x-www-form-urlencoded', 'x'.repeat(17 * 1024)), 413)
  assert.equal(await ask('application/x-www-form-urlencoded', ''), 400)
  assert.equal(await ask('application/x-www-form-urlencoded', 'code=%FF%00spelled-out&&=%'), 400)
  assert.equal(await ask('application/x-www-form-urlencoded', 'grant_type=spelled-out'), 400)
})
