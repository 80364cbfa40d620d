// Refusals as a navigating browser gets them: in its language, with the operator's look, or at the
// frontend's own address, which is told a code and nothing else.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
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
