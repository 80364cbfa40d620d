import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { APP_URL, createApp, json, type Tokens } from './app.ts'

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
})
after(() => sandbox.close())

/** The address of a link on a page, by its element's id. */
function linkOf(html: string, id: string): string {
  const [, link = ''] = new RegExp(`id="${id}" href="([^"]+)"`).exec(html) ?? []
  return `${sandbox.url}${link.replaceAll('&#38;', '&').replaceAll('&amp;', '&')}`
}

/** Posts the form of a page as a browser does when a button is pressed. */
async function press(browser: Browser, html: string, form: URLSearchParams): Promise<URL> {
  const [, action = ''] = /<form[^>]*action="([^"]+)"/.exec(html) ?? []
  const decided = await browser.fetch(`${sandbox.url}${action.replaceAll('&#38;', '&')}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: String(form),
  })
  assert.equal(decided.status, 303)
  const back = await browser.navigate(decided.headers.get('location') ?? '', isApp)
  return new URL(back.headers.get('location') ?? '')
}

const isApp = (url: string) => url.startsWith(APP_URL)

test('a user signs in, chooses a patient, and allows a part of what was asked', async () => {
  const app = createApp(sandbox)
  const browser = createBrowser()
  const { url, verifier } = app.request()
  const accounts = await browser.navigate(url, isApp)
  assert.match(accounts.text, /Dr\. Maria Rivera/)
  const patients = await browser.navigate(linkOf(accounts.text, 'user-nurse'), isApp)
  assert.match(patients.text, /Hiro Tanaka/)
  const consent = await browser.navigate(linkOf(patients.text, 'patient-hiro-tanaka'), isApp)
  assert.match(consent.text, /Read, search, create, change, delete everything in this patient/)
  const form = new URLSearchParams([
    ['scope', 'openid'],
    ['scope', 'launch/patient'],
    ['decision', 'grant'],
  ])
  const callback = await press(browser, consent.text, form)
  const tokens = await json<Tokens>(app.exchange(callback.searchParams.get('code') ?? '', verifier))
  assert.equal(tokens.patient, 'hiro-tanaka')
  assert.equal(tokens.scope, 'launch/patient openid')
  assert.equal((await app.fhir(tokens.access_token, '/Patient/hiro-tanaka')).status, 403)
})

test('a user who says no is sent back with access_denied', async () => {
  const launch = sandbox.launch({ patient: 'amy-shaw' })
  const { url } = createApp(sandbox).request({ launch, scope: 'launch openid patient/*.rs' })
  const browser = createBrowser()
  const consent = await browser.navigate(url, isApp)
  assert.match(consent.text, /Amy Shaw/, 'an EHR launch asks for neither user nor patient')
  const callback = await press(browser, consent.text, new URLSearchParams({ decision: 'deny' }))
  assert.equal(callback.searchParams.get('error'), 'access_denied')
  assert.notEqual(callback.searchParams.get('state'), null)
})

test('a second login in the same browser asks for the patient again', async () => {
  const app = createApp(sandbox)
  const browser = createBrowser()
  await app.login(browser, { parameters: { patient: 'amy-shaw', auto: '1' } })
  const again = await browser.navigate(app.request().url, isApp)
  assert.match(again.text, /Choose a patient/)
  assert.match(again.text, /You are Dr\. Maria Rivera/, 'the user is still signed in')
})

test('a user of the portal sees the own record alone', async () => {
  const { url } = createApp(sandbox).request({ parameters: { user: 'linh-nguyen' } })
  const browser = createBrowser()
  const consent = await browser.navigate(url, isApp)
  assert.match(consent.text, /Chloe Nguyen/)
  const other = await browser.navigate(`${consent.url}&patient=amy-shaw`, isApp)
  assert.equal(other.status, 400)
})

test('pages run no scripts and load nothing', async () => {
  for (const path of ['/', '/faces', '/nowhere']) {
    const response = await fetch(`${sandbox.url}${path}`)
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    assert.doesNotMatch(await response.text(), /<script|src=|@import|url\(/)
  }
})

test('the front page has a launch of each patient', async () => {
  const html = await (await fetch(sandbox.url)).text()
  assert.equal([...html.matchAll(/id="launch-/g)].length, 10)
  const response = await fetch(linkOf(html, 'launch-amy-shaw'), { redirect: 'manual' })
  const location = new URL(response.headers.get('location') ?? '')
  assert.equal(`${location.origin}${location.pathname}`, `${APP_URL}/launch`)
  assert.equal(location.searchParams.get('iss'), sandbox.base('r4'))
  assert.match(location.searchParams.get('launch') ?? '', /^[\w-]{22}$/)
})

test('a chart frames the app, and nothing else', async () => {
  const response = await fetch(`${sandbox.url}/chart?patient=amy-shaw&auto=1`)
  const policy = response.headers.get('content-security-policy') ?? ''
  assert.match(policy, new RegExp(`frame-src 'self' ${APP_URL}$`))
  assert.match(
    await response.text(),
    /<iframe [^>]*src="\/launch-app\?patient=amy-shaw&#38;auto=1&#38;framed"/,
  )
  assert.equal((await fetch(`${sandbox.url}/chart?patient=nobody`)).status, 404)
})

test('what is asked is shown as text', async () => {
  const parameters = { user: 'nurse', patient: '"><script>alert(1)</script>' }
  const { url } = createApp(sandbox).request({ parameters })
  const answer = await createBrowser().navigate(url, isApp)
  assert.equal(answer.status, 400)
  assert.doesNotMatch(answer.text, /<script/)
})
