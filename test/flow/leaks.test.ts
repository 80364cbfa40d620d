// No token, code, verifier or secret in any answer, cookie or log line, through a whole life: login,
// reads, renewal, refusals, logout; nor in the files of the vault. At the most talkative log level.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import { createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { launchFromEhr, logIn } from './login.ts'
import { readTokens } from './tokens.ts'

let world: World
before(async () => {
  world = await createWorld()
})
after(() => world.close())

/** A secret in every form in which it might be written somewhere. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ]
}

function assertAbsent(secrets: readonly string[], text: string, where: string): void {
  for (const secret of secrets) {
    for (const form of formsOf(secret)) assert.ok(!text.includes(form), `a secret in ${where}`)
  }
}

test('[AL-08, AL-09, G7] no secret is in any answer, log line or file, through a whole life', async () => {
  const browser = createBrowser()
  const first = await logIn(world, browser, 'amy-shaw')
  const second = await launchFromEhr(world, browser, 'ben-ortega')
  const secrets: string[] = [tutorialClient.secret]
  const collect = async (id: string) => {
    const { accessToken, refreshToken = '', idToken = '' } = await readTokens(world, browser, id)
    assert.ok(accessToken && refreshToken && idToken)
    secrets.push(accessToken, refreshToken)
  }
  for (const { id, fhirBaseUrl } of [first, second]) {
    await collect(id)
    await browser.fetch(`${fhirBaseUrl}/Observation?_count=2&patient=amy-shaw`)
    await browser.fetch(`${fhirBaseUrl}/Patient/nobody`)
    await browser.fetch(`${fhirBaseUrl}/%2e%2e/secret`)
  }
  world.sandbox.expireAccessTokens()
  const renewed = await browser.fetch(`${first.fhirBaseUrl}/Patient/amy-shaw`)
  assert.equal(renewed.status, 200)
  await collect(first.id)
  const codes = browser.history.flatMap(({ headers }) => {
    const location = headers.get('location') ?? ''
    return location.startsWith(world.app) ? [new URL(location).searchParams.get('code')] : []
  })
  secrets.push(...codes.filter(code => code !== null))
  assert.ok(secrets.length >= 9)

  const vault = world.config.vault as { path: string }
  const folder = dirname(vault.path)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    assertAbsent(secrets, readFileSync(join(entry.parentPath, entry.name), 'latin1'), entry.name)
  }
  await browser.fetch(`${world.app}/logout`, { method: 'POST' })
  await browser.fetch(`${first.fhirBaseUrl}/Patient/amy-shaw`)

  for (const { url, text, headers, setCookies } of browser.history) {
    if (!url.startsWith(world.app)) continue
    assertAbsent(secrets, text + JSON.stringify([...headers, setCookies]), url.split('?')[0] ?? '')
  }
  assertAbsent(secrets, world.log.join(''), 'the log')
})

test('[AL-07, K18] cookies hold sealed handles alone', async () => {
  const browser = createBrowser()
  const { id } = await logIn(world, browser, 'amy-shaw')
  const { accessToken, refreshToken = '' } = await readTokens(world, browser, id)
  for (const value of browser.cookies(world.app).values()) {
    assert.ok(value.length < 512)
    assertAbsent([accessToken, refreshToken], value, 'a cookie')
  }
})

test('[G1, P25, S9] no path id, query, patient or browser secret is in the log', async () => {
  const browser = createBrowser()
  const { id, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  await browser.fetch(`${fhirBaseUrl}/Patient?name=Shaw&birthdate=1980-01-01`)
  await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  const log = world.log.join('')
  for (const word of [id, 'amy-shaw', 'Shaw', '1980-01-01', 'state=', 'code=', 'authorization']) {
    assert.ok(!log.includes(word), word)
  }
  for (const value of browser.cookies(world.app).values()) assert.ok(!log.includes(value))
  assert.match(log, /"route":"\/sessions\/:id\/fhir\/\*"/)
})
