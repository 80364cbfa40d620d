// Refusals as a navigating browser gets them: in its language, with the operator's look, or at the
// frontend's own address, which is told a code and nothing else.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { makeTestFolder } from '../world/folder.ts'
import { createWorld, type World } from '../world/world.ts'

let world: World
let led: World
before(async () => {
  world = await createWorld({
    configure(document) {
      document.frontend = {}
      document.pages = { title: 'Wachstum & mehr', logo: '/logo.svg', colour: '#aa0033' }
    },
  })
  led = await createWorld({
    configure(document) {
      document.frontend.errorUrl = '/sorry?from=login'
    },
  })
})
after(async () => {
  await world.close()
  await led.close()
})

const ask = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { redirect: 'manual', headers: { accept: 'text/html', ...headers } })

test('a refusal and the choice of EHRs are told in German to who wants it', async () => {
  const german = { 'accept-language': 'de-CH,de;q=0.9,en;q=0.5' }
  const refused = await ask(`${world.app}/redirect?state=none`, german)
  const page = await refused.text()
  assert.match(page, /<html lang="de">.*Das hat nicht geklappt – Wachstum &#38; mehr/s)
  assert.match(page, /<img src="\/logo.svg" alt="">/)
  assert.match(refused.headers.get('vary') ?? '', /Accept-Language/)
  assert.match(
    await (await ask(`${world.app}/login`, german)).text(),
    /Wo möchten Sie sich anmelden/,
  )
  assert.match(await (await ask(`${world.app}/`, german)).text(), /fhirstorm läuft/)
  const denied = await (await ask(`${world.app}/?error=access_denied`, german)).text()
  assert.match(denied, /hat den Zugriff verweigert/)
  assert.match(await (await ask(`${world.app}/redirect?state=none`)).text(), /This did not work/)
})

test('with an address of its own the frontend is told the code, and nothing else', async () => {
  const answer = await ask(`${led.app}/redirect?state=none&code=stolen`)
  assert.equal(answer.status, 303)
  assert.equal(answer.headers.get('location'), `${led.app}/sorry?from=login&error=state_invalid`)
  assert.match(answer.headers.get('proxy-status') ?? '', /details="state_invalid"/)
  const fetched = await createBrowser().fetch(`${led.app}/launch?iss=x`)
  assert.equal(fetched.status, 400)
  assert.equal(fetched.json<{ code: string }>().code, 'unknown_issuer')
})

test('[G9] whatever is refused in a tab is a small page, without a login where none was', async () => {
  const tab = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const places: [string, string, number][] = [
    ['/nothing-here', 'none', 404],
    ['/sessions', 'none', 403],
    ['/fhir/Patient/1', 'none', 403],
    ['/fhir/Patient/1', 'cross-site', 403],
  ]
  for (const [path, site, status] of places) {
    const answer = await ask(world.app + path, { ...tab, 'sec-fetch-site': site })
    assert.equal(answer.status, status, path)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/html/, path)
    const page = await answer.text()
    assert.match(page, /This did not work/)
    assert.doesNotMatch(page, /<a /)
  }
  // A file that is saved is none of them.
  const saved = { ...tab, 'sec-fetch-site': 'same-origin' }
  const url = `/sessions/${'A'.repeat(22)}/fhir/Binary/1`
  const headers = { ...saved, host: new URL(world.app).host }
  const gone = await world.server.inject({ url, headers })
  assert.equal(gone.statusCode, 401)
  assert.match(String(gone.headers['content-type']), /^application\/fhir/)
})

test('a login that failed starts again where it was to land, and what the EHR began, the EHR begins', async () => {
  const wrong = `${world.app}/login?ehr=general&iss=&return_to=/deep/page`
  assert.match(await (await ask(wrong)).text(), /<a href="\/login">/)
  const begin = async (url: string) => {
    const browser = createBrowser()
    const begun = await browser.navigate(url, next => next.startsWith(world.sandbox.url))
    const { searchParams } = new URL(begun.headers.get('location') ?? '')
    const answer = new URL(searchParams.get('redirect_uri') ?? '')
    answer.searchParams.set('code', 'of-somebody-else')
    answer.searchParams.set('state', searchParams.get('state') ?? '')
    answer.searchParams.set('iss', world.sandbox.url)
    return (await browser.navigate(answer.href)).text
  }
  assert.match(
    await begin(`${world.app}/login?ehr=general&return_to=/deep/page`),
    /<a href="\/login\?ehr=general&#38;return_to=%2Fdeep%2Fpage">/,
  )
  const iss = encodeURIComponent(`${world.sandbox.url}/r4`)
  assert.match(await begin(`${world.app}/launch?iss=${iss}&launch=x`), /open the app again from/)
  const unknown = await ask(`${world.app}/launch?iss=https://ehr.test/fhir&launch=x`)
  assert.match(await unknown.text(), /open the app again from/)
})

test('[X11] who may frame the app is named by itself, apart from where the EHR has its endpoints', async () => {
  const framed = await createWorld({
    configure(document) {
      document.frontend = {}
      const [ehr] = document.ehrs
      document.ehrs = [{ ...ehr, embedded: true, frameAncestors: ['https://portal.example.org'] }]
    },
  })
  try {
    for (const path of ['/', '/redirect?state=none']) {
      const policy = (await ask(framed.app + path)).headers.get('content-security-policy') ?? ''
      assert.match(policy, /frame-ancestors https:\/\/portal\.example\.org$/)
    }
  } finally {
    await framed.close()
  }
})

test('[X11] a page of ours has a policy that takes its style, among the files of a frontend as well', async t => {
  const folder = makeTestFolder(t)
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>App</title>')
  const tab = { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' }
  for (const contentSecurityPolicy of [undefined, 'existing-app', "default-src 'self'"]) {
    const served = await createWorld({
      configure(document) {
        document.frontend = { static: folder, contentSecurityPolicy }
      },
    })
    try {
      for (const path of [
        '/nothing',
        '/login?ehr=none',
        '/redirect?state=none',
        '/sessions/a/fhir/x',
      ]) {
        const page = await ask(served.app + path, tab)
        const [, style = assert.fail(path)] = /<style>(.*?)<\/style>/s.exec(await page.text()) ?? []
        const hash = createHash('sha256').update(style).digest('base64')
        const policy = page.headers.get('content-security-policy') ?? ''
        assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash}'`), path)
      }
      const policy = (await ask(`${served.app}/`)).headers.get('content-security-policy')
      assert.match(policy ?? '', /^default-src 'self'/)
    } finally {
      await served.close()
    }
  }
})

test('[X9, C9] a path of ours knows its methods though the files of a frontend lie below it', async t => {
  const folder = makeTestFolder(t)
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>App</title>')
  const served = await createWorld({
    configure(document) {
      document.frontend = { static: folder }
    },
  })
  t.after(() => served.close())
  for (const [method, path, status, allow] of [
    ['HEAD', '/sessions', 405, 'GET'],
    ['GET', '/logout', 405, 'POST'],
    ['HEAD', '/index.html', 200, null],
    ['GET', '/nothing', 404, null],
    ['DELETE', '/nothing', 405, 'HEAD, GET'],
  ] as const) {
    const answer = await fetch(served.app + path, { method, headers: { 'x-csrf': '1' } })
    assert.deepEqual([answer.status, answer.headers.get('allow')], [status, allow], path)
  }
})
