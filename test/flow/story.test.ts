// The whole story over real HTTP against the real sandbox: both launches, both forms of state, the
// DSTU2 face, two patients at once, denial, a wrong secret.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { launchFromEhr, logIn } from './login.ts'

for (const state of ['signed', 'opaque'] as const) {
  describe(`with ${state} state`, () => {
    let world: World
    before(async () => {
      world = await createWorld({
        configure(document) {
          document.state = state
        },
      })
    })
    after(() => world.close())

    test(`[AL-33, AL-37, AL-52] a standalone login reads its patient through the proxy (${state})`, async () => {
      const browser = createBrowser()
      const { document, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
      assert.equal(document.patient, 'amy-shaw')
      const answer = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.json<{ id: string }>().id, 'amy-shaw')
      assert.match(answer.headers.get('content-type') ?? '', /application\/fhir\+json/)
      assert.equal(answer.headers.get('cache-control'), 'no-store, private')
    })

    test(`[AL-16, SC-18] an EHR launch gets the EHR's patient (${state})`, async () => {
      const browser = createBrowser()
      const { document, fhirBaseUrl } = await launchFromEhr(world, browser, 'amy-shaw')
      assert.equal(document.patient, 'amy-shaw')
      const search = await browser.fetch(`${fhirBaseUrl}/Observation?_count=3`)
      assert.equal(search.json<{ resourceType: string }>().resourceType, 'Bundle')
    })

    test(`[S3, C12] a callback counts once (${state})`, async () => {
      const browser = createBrowser()
      const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
      const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
      const stopped = await browser.navigate(authorize, url => url.startsWith(world.app))
      const callback = stopped.headers.get('location') ?? ''
      const first = await browser.fetch(callback, { headers: { 'sec-fetch-mode': 'navigate' } })
      assert.equal(first.status, 303, first.text)
      // The browser has the session of that launch, and is led there; another one gets nothing.
      const again = await browser.fetch(callback)
      assert.deepEqual(
        [again.status, again.headers.get('location'), again.setCookies],
        [303, first.headers.get('location'), []],
      )
      assert.equal((await createBrowser().fetch(callback)).status, 400)
      assert.equal((await browser.fetch(`${world.app}/sessions`)).json<unknown[]>().length, 1)
    })

    test(`[S4] fifty callbacks at once make one session and one answer (${state})`, async () => {
      const browser = createBrowser()
      const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
      const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
      const stopped = await browser.navigate(authorize, url => url.startsWith(world.app))
      const callback = stopped.headers.get('location') ?? ''
      const answers = await Promise.all(Array.from({ length: 50 }, () => browser.fetch(callback)))
      const landed = new Set(
        answers
          .filter(({ status }) => status === 303)
          .map(({ headers }) => headers.get('location')),
      )
      assert.equal(landed.size, 1)
      for (const { status } of answers) assert.ok(status === 303 || status === 400)
      assert.equal((await browser.fetch(`${world.app}/sessions`)).json<unknown[]>().length, 1)
    })

    test(`[S5, AL-35] a callback in another browser makes no session (${state})`, async () => {
      const victim = createBrowser()
      const attacker = createBrowser()
      const begun = await attacker.navigate(`${world.app}/login?ehr=general`, () => true)
      const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
      const stopped = await attacker.navigate(authorize, url => url.startsWith(world.app))
      const answer = await victim.navigate(stopped.headers.get('location') ?? '')
      assert.equal(answer.status, 400)
      assert.match(answer.text, /did not start this login/)
      assert.deepEqual((await victim.fetch(`${world.app}/sessions`)).json(), [])
    })
  })
}

describe('one product', () => {
  let world: World
  before(async () => {
    world = await createWorld()
  })
  after(() => world.close())

  test('[Q1, K13, L21] two patients in one browser never meet', async () => {
    const browser = createBrowser()
    const patients = ['amy-shaw', 'ben-ortega']
    const sessions = []
    for (const patient of patients) sessions.push(await launchFromEhr(world, browser, patient))
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        sessions.map(async ({ fhirBaseUrl }, i) => {
          const bundle = (await browser.fetch(`${fhirBaseUrl}/Patient`)).json<{
            entry: { resource: { id: string } }[]
          }>()
          assert.deepEqual(
            bundle.entry.map(({ resource }) => resource.id),
            [patients[i]],
          )
        }),
      )
    }
    const alias = await browser.fetch(`${world.app}/fhir/Patient`)
    assert.equal(alias.status, 409)
    assert.match(alias.headers.get('link') ?? '', /rel="alternate"/)
  })

  test('[Q1] three logins begun at once in one browser all finish, in any order', async () => {
    const browser = createBrowser()
    const patients = ['amy-shaw', 'ben-ortega', 'elena-rossi']
    const begun = []
    for (const patient of patients) {
      const answer = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
      begun.push(`${answer.headers.get('location')}&patient=${patient}&auto=1`)
    }
    for (const authorize of begun.reverse()) {
      const landing = await browser.navigate(authorize)
      assert.ok(new URL(landing.url).searchParams.get('session'), `${landing.status}`)
    }
    const sessions = (await browser.fetch(`${world.app}/sessions`)).json<{ patient: string }[]>()
    assert.deepEqual(sessions.map(({ patient }) => patient).sort(), patients)
  })

  test('a wrong client secret is our fault, told as 503, and makes no session', async t => {
    const misled = await createWorld({
      configure(document) {
        for (const ehr of document.ehrs) ehr.clientAuth.secret = 'not the registered one'
      },
    })
    t.after(() => misled.close())
    const browser = createBrowser()
    const begun = await browser.navigate(`${misled.app}/login?ehr=general`, () => true)
    const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
    const answer = await browser.navigate(authorize)
    assert.equal(answer.status, 503)
    assert.match(answer.text, /does not accept the credentials of this application/)
    assert.match(answer.text, /General Hospital/)
    assert.deepEqual((await browser.fetch(`${misled.app}/sessions`)).json(), [])
  })

  test('[AL-63] the DSTU2 face logs in by its Conformance and answers in its media type', async () => {
    const browser = createBrowser()
    const { document, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=dstu2')
    assert.equal(document.ehr, 'dstu2')
    const answer = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.headers.get('content-type') ?? '', /application\/json\+fhir/)
  })

  test('[AL-36, C5] denied consent brings the user back with the code alone', async () => {
    const browser = createBrowser()
    const begun = await browser.navigate(
      `${world.app}/login?ehr=general&return_to=/app`,
      () => true,
    )
    const authorize = new URL(begun.headers.get('location') ?? '')
    const back = new URL(authorize.searchParams.get('redirect_uri') ?? '')
    back.search = new URLSearchParams({
      error: 'access_denied',
      error_description: '<script>alert(1)</script>',
      state: authorize.searchParams.get('state') ?? '',
      iss: world.sandbox.url,
    }).toString()
    const answer = await browser.navigate(back.href, () => true)
    assert.equal(answer.status, 303)
    assert.equal(answer.headers.get('location'), `${world.app}/app?error=access_denied`)
    assert.deepEqual((await browser.fetch(`${world.app}/sessions`)).json(), [])
  })

  test('[K5, O1] after logout the cookie is worth nothing', async () => {
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
    const kept = new Map(browser.cookies(world.app))
    const out = await browser.fetch(`${world.app}/sessions/${id}`, { method: 'DELETE' })
    assert.equal(out.status, 200, out.text)
    assert.equal([...browser.cookies(world.app).keys()].filter(name => name.includes(id)).length, 0)
    for (const [name, value] of kept) browser.setCookie(world.app, name, value)
    const replay = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(replay.status, 401)
    assert.match(replay.headers.get('proxy-status') ?? '', /details="session_invalid"/)
    assert.equal(replay.json<{ resourceType: string }>().resourceType, 'OperationOutcome')
  })

  test('[K14] every way of having no session is the same 401', async () => {
    const browser = createBrowser()
    const { id } = await logIn(world, browser, 'amy-shaw')
    const strangers = createBrowser()
    const answers = [
      await strangers.fetch(`${world.app}/sessions/${id}/fhir/Patient`),
      await strangers.fetch(`${world.app}/sessions/${'A'.repeat(22)}/fhir/Patient`),
      await browser.fetch(`${world.app}/sessions/${'A'.repeat(22)}/fhir/Patient`),
      await browser.fetch(`${world.app}/sessions/nonsense/fhir/Patient`),
    ]
    for (const { status, text } of answers) {
      assert.equal(status, 401)
      assert.equal(text, answers[0]?.text)
    }
  })
})
