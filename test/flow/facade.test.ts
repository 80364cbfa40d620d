// An existing SMART app behind fhirstorm, over HTTP: it finds a SMART server, runs its own launch, and holds
// nothing but its session's name. Every way to use what it holds elsewhere is refused.

import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Browser, createBrowser, type Visit } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'

const CLIENT = 'existing-app'
/** Where the only link of a page of ours leads. */
const readLink = (html: string) =>
  (/<a href="([^"]+)"/.exec(html)?.[1] ?? '').replaceAll('&#38;', '&')
const form = { 'content-type': 'application/x-www-form-urlencoded' }

for (const prefix of ['', '/bff']) {
  describe(`an existing app below '${prefix}/smart'`, () => {
    let world: World
    let base: string
    let callback: string
    before(async () => {
      world = await createWorld({
        configure(document) {
          document.publicUrl += prefix
          document.facade = {
            ...{ launchUrl: '/app/launch.html', redirectUris: ['/app/', '/app/index.html'] },
            clientId: CLIENT,
          }
          const [general] = document.ehrs
          document.ehrs.push({ ...general, id: 'away', iss: 'http://127.0.0.1:1/fhir' })
        },
      })
      base = `${world.app}/smart/general`
      callback = `${new URL(world.app).origin}/app/`
    })
    after(() => world.close())

    interface App {
      browser: Browser
      verifier: string
    }

    /** The app's own request, as fhirclient makes it. */
    function askFor(verifier: string, changes: Record<string, string | undefined> = {}): string {
      const asked = {
        ...{ response_type: 'code', client_id: CLIENT, redirect_uri: callback, aud: base },
        ...{ scope: 'launch openid fhirUser patient/*.rs', state: 'of the app' },
        code_challenge: hash('sha256', verifier, 'base64url'),
        ...{ code_challenge_method: 'S256', ...changes },
      }
      const query = new URLSearchParams()
      for (const [name, value] of Object.entries(asked)) {
        if (value !== undefined) query.append(name, value)
      }
      return `${base}/authorize?${query}`
    }

    /** An EHR launch, up to the app's own launch page. */
    async function launchApp(patient = 'amy-shaw', browser = createBrowser()) {
      const url = `${world.sandbox.url}/launch-app?patient=${patient}&auto=1`
      const landed = await browser.navigate(url, next => next.includes('/app/launch.html'))
      const landing = new URL(landed.headers.get('location') ?? '')
      return { browser, landing, launch: landing.searchParams.get('launch') ?? '' }
    }

    async function authorize(patient?: string, known?: Browser): Promise<App & { code: string }> {
      const { browser, launch } = await launchApp(patient, known)
      const verifier = randomBytes(40).toString('base64url')
      const answer = await browser.navigate(askFor(verifier, { launch }), () => true)
      const location = new URL(answer.headers.get('location') ?? '')
      assert.equal(location.origin + location.pathname, callback)
      assert.equal(location.searchParams.get('state'), 'of the app')
      return { browser, verifier, code: location.searchParams.get('code') ?? '' }
    }

    function redeem(
      { browser, verifier, code }: App & { code: string },
      changes: Record<string, string> = {},
      headers: Record<string, string> = {},
    ) {
      const members = {
        ...{ grant_type: 'authorization_code', code, redirect_uri: callback, client_id: CLIENT },
        ...{ code_verifier: verifier, ...changes },
      }
      const visit: Visit = {
        ...{ method: 'POST', body: String(new URLSearchParams(members)) },
        headers: { ...form, origin: new URL(base).origin, ...headers },
      }
      return browser.fetch(`${base}/token`, visit)
    }

    async function logIn(patient?: string, known?: Browser) {
      const app = await authorize(patient, known)
      const answer = await redeem(app)
      assert.equal(answer.status, 200, answer.text)
      const token = answer.json<Record<string, string>>()
      const read = (path: string, visit: Visit = {}) =>
        app.browser.fetch(base + path, {
          ...visit,
          headers: { authorization: `Bearer ${token.access_token}`, ...visit.headers },
        })
      return { ...app, answer, token, read }
    }

    test('[FA1] finds a SMART server, new or old, that names no endpoint but ours', async () => {
      // biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
      const get = async (path: string): Promise<any> => await (await fetch(base + path)).json()
      const found = await get('/.well-known/smart-configuration')
      assert.deepEqual(
        [found.issuer, found.authorization_endpoint, found.token_endpoint],
        [base, `${base}/authorize`, `${base}/token`],
      )
      assert.deepEqual(found.code_challenge_methods_supported, ['S256'])
      for (const name of ['launch-ehr', 'launch-standalone', 'client-public']) {
        assert.ok(found.capabilities.includes(name), name)
      }
      assert.ok(!found.capabilities.includes('client-confidential-symmetric'))
      const statement = await get('/metadata')
      assert.equal(statement.resourceType, 'CapabilityStatement')
      assert.ok(statement.rest[0].resource.length > 3, 'the EHR’s own')
      assert.equal(statement.implementation.url, base)
      const [{ extension }] = statement.rest[0].security.extension
      assert.deepEqual(
        extension.map(({ valueUri }: { valueUri: string }) => valueUri),
        [`${base}/authorize`, `${base}/token`],
      )
      const old = await get('/../dstu2/metadata')
      assert.equal(old.resourceType, 'Conformance')
      assert.ok(!JSON.stringify(old.rest[0].security).includes(world.sandbox.url))
      assert.equal((await fetch(`${world.app}/smart/nobody/metadata`)).status, 400)
    })

    test('[FA1] finds it while the EHR is away too, which the user is told by the login', async () => {
      const away = `${world.app}/smart/away`
      const found = await fetch(`${away}/.well-known/smart-configuration`)
      const document = (await found.json()) as Record<string, unknown>
      assert.deepEqual(document.code_challenge_methods_supported, ['S256'])
      assert.equal(document.authorization_endpoint, `${away}/authorize`)
      const asked = askFor(randomBytes(40).toString('base64url'), { aud: away })
      const answer = await createBrowser().navigate(asked.replace('/general/', '/away/'))
      assert.equal(answer.status, 502)
      assert.match(
        readLink(answer.text),
        /\/login\?ehr=away&return_to=.*%2Fsmart%2Faway%2Fauthorize/,
      )
    })

    test('[FA1] an EHR launch lands at the app, and ends with a name in place of a token', async () => {
      const { browser, landing } = await launchApp()
      assert.equal(landing.origin + landing.pathname, `${new URL(base).origin}/app/launch.html`)
      assert.equal(landing.searchParams.get('iss'), base)
      const { token, answer, read } = await logIn('amy-shaw', browser)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      assert.match(String(token.access_token), /^[\w-]{22}$/)
      assert.deepEqual([token.token_type, token.patient], ['Bearer', 'amy-shaw'])
      assert.equal(token.refresh_token, undefined)
      assert.ok(String(token.scope).includes('patient/'))
      assert.ok(Number(token.expires_in) > 3600)
      const keys = (await (await fetch(`${base}/.well-known/jwks.json`)).json()) as JSONWebKeySet
      const { payload } = await jwtVerify(String(token.id_token), createLocalJWKSet(keys), {
        ...{ issuer: base, audience: CLIENT, algorithms: ['ES256'] },
      })
      assert.match(String(payload.fhirUser), new RegExp(`^${base}/Practitioner/`))
      assert.equal(payload.fhirUser, payload.profile)
      const patient = await read(`/Patient/${token.patient}`)
      assert.equal(patient.json<{ id: string }>().id, 'amy-shaw')
      const user = await read(String(payload.fhirUser).slice(base.length))
      assert.equal(user.status, 200, user.text)
    })

    test('[FA1] a standalone launch runs the login, and comes back to the app with its state', async () => {
      const browser = createBrowser()
      const verifier = randomBytes(40).toString('base64url')
      const asked = askFor(verifier, { redirect_uri: `${callback}index.html` })
      const begun = await browser.navigate(asked, next => next.startsWith(world.sandbox.url))
      const login = `${begun.headers.get('location')}&patient=ben-ortega&auto=1`
      const ended = await browser.navigate(login, next => next.startsWith(`${callback}index.html`))
      const location = new URL(ended.headers.get('location') ?? '')
      assert.equal(location.searchParams.get('state'), 'of the app')
      const code = location.searchParams.get('code') ?? ''
      const redirect = { redirect_uri: `${callback}index.html` }
      const token = (await redeem({ browser, verifier, code }, redirect)).json<{
        patient: string
      }>()
      assert.equal(token.patient, 'ben-ortega')
    })

    test('[FA1] what the EHR denies the app is told as OAuth tells it', async () => {
      const browser = createBrowser()
      const verifier = randomBytes(40).toString('base64url')
      const begun = await browser.navigate(askFor(verifier), next =>
        next.startsWith(world.sandbox.url),
      )
      const { searchParams } = new URL(begun.headers.get('location') ?? '')
      const denied = new URL(searchParams.get('redirect_uri') ?? '')
      denied.searchParams.set('error', 'access_denied')
      denied.searchParams.set('state', searchParams.get('state') ?? '')
      denied.searchParams.set('iss', world.sandbox.url)
      const ended = await browser.navigate(denied.href, next => next.startsWith(callback))
      const location = new URL(ended.headers.get('location') ?? '')
      assert.equal(location.searchParams.get('error'), 'access_denied')
      assert.equal(location.searchParams.get('state'), 'of the app')
      assert.match(location.searchParams.get('error_description') ?? '', /denied at the EHR/)
      // And of a launch that the EHR began: the app has asked for nothing yet.
      const launched = `${world.sandbox.url}/launch-app?patient=amy-shaw&auto=deny`
      const told = await createBrowser().navigate(launched, next => next.startsWith(callback))
      const landing = new URL(told.headers.get('location') ?? '')
      assert.equal(landing.origin + landing.pathname, callback)
      assert.deepEqual(
        [landing.searchParams.get('error'), landing.searchParams.get('session')],
        ['access_denied', null],
      )
    })

    test('[FA1] a login that failed starts again where the app waits for it, and with its launch once it does not', async () => {
      const browser = createBrowser()
      const begun = await browser.navigate(askFor(randomBytes(40).toString('base64url')), next =>
        next.startsWith(world.sandbox.url),
      )
      const { searchParams } = new URL(begun.headers.get('location') ?? '')
      const answer = new URL(searchParams.get('redirect_uri') ?? '')
      answer.searchParams.set('code', 'of-somebody-else')
      answer.searchParams.set('state', searchParams.get('state') ?? '')
      answer.searchParams.set('iss', world.sandbox.url)
      const refused = await browser.navigate(answer.href)
      assert.equal(refused.status, 502)
      const again = new URL(readLink(refused.text), answer)
      const authorization = await browser.navigate(again.href, next =>
        next.startsWith(world.sandbox.url),
      )
      const login = `${authorization.headers.get('location')}&patient=ben-ortega&auto=1`
      const ended = await browser.navigate(login, next => next.startsWith(callback))
      const landing = new URL(ended.headers.get('location') ?? '')
      assert.ok(landing.searchParams.get('code'))
      assert.equal(landing.searchParams.get('state'), 'of the app')
      const late = await browser.navigate(`${base}/authorize/${'n'.repeat(43)}`)
      assert.equal(late.status, 400)
      const start = new URL(readLink(late.text), base)
      assert.equal(start.origin + start.pathname, `${new URL(base).origin}/app/launch.html`)
      assert.deepEqual([...start.searchParams], [['iss', base]])
    })

    test('[FA2] an app that asks wrongly is told so: its user by a page, itself by words, the operator by the log', async () => {
      const browser = createBrowser()
      const unknown = await browser.navigate(askFor('v', { client_id: 'another-app' }))
      assert.equal(unknown.status, 400)
      assert.match(unknown.headers.get('content-type') ?? '', /^text\/html/)
      assert.doesNotMatch(unknown.text, /<a /)
      const asked = askFor('v', { code_challenge: undefined, code_challenge_method: undefined })
      const answer = await browser.navigate(asked, () => true)
      const { searchParams } = new URL(answer.headers.get('location') ?? '')
      assert.match(searchParams.get('error_description') ?? '', /S256/)
      const line = world.log.findLast(text => text.includes('/authorize'))
      assert.match(line ?? '', /"detail":"refused to the app: code_challenge"/)
    })

    test('[FA1] addresses in answers are those of the base that was asked, and come back', async () => {
      const { read, token } = await logIn()
      const bundle = (await read('/Observation?_count=2')).json<{
        link: { relation: string; url: string }[]
        entry: { fullUrl: string }[]
      }>()
      const next = bundle.link.find(({ relation }) => relation === 'next')?.url ?? ''
      for (const url of [next, ...bundle.entry.map(({ fullUrl }) => fullUrl)]) {
        assert.ok(url.startsWith(`${base}/`) || url.startsWith(`${base}?`), url)
      }
      assert.equal((await read(next.slice(base.length))).status, 200)
      const subject = encodeURIComponent(`${base}/Patient/${token.patient}`)
      const found = await read(`/Observation?subject=${subject}&_count=1`)
      assert.equal(found.json<{ entry: unknown[] }>().entry.length, 1)
      const created = await read('/Observation', {
        method: 'POST',
        headers: { 'content-type': 'application/fhir+json', origin: new URL(base).origin },
        body: JSON.stringify({
          ...{ resourceType: 'Observation', status: 'final', code: { text: 'FHIRstorm test' } },
          subject: { reference: `${base}/Patient/${token.patient}` },
        }),
      })
      assert.equal(created.status, 201, created.text)
      assert.ok(created.headers.get('location')?.startsWith(`${base}/Observation/`))
      // Of another EHR, and of a session by its own base, it is another's.
      for (const other of [
        `${world.app}/smart/dstu2`,
        `${world.app}/sessions/${'A'.repeat(22)}/fhir`,
      ]) {
        const foreign = await read(
          `/Observation?subject=${encodeURIComponent(`${other}/Patient/1`)}`,
        )
        assert.equal(foreign.status, 422, other)
      }
    })

    test('[FA2] a code is good once, for a minute, with its verifier, address and browser alone', async () => {
      const refused = async (
        app: App & { code: string },
        changes?: Record<string, string>,
        headers?: Record<string, string>,
      ) => {
        const { status, text } = await redeem(app, changes, headers)
        assert.equal(status, 400, text)
        return JSON.parse(text).error
      }
      const spent = await logIn()
      assert.equal(await refused(spent), 'invalid_grant')
      const changes: [Record<string, string>, string][] = [
        [{ code_verifier: randomBytes(40).toString('base64url') }, 'invalid_grant'],
        [{ code_verifier: 'short' }, 'invalid_grant'],
        [{ redirect_uri: `${callback}index.html` }, 'invalid_grant'],
        [{ client_id: 'another-app' }, 'invalid_grant'],
        [{ grant_type: 'refresh_token' }, 'unsupported_grant_type'],
        [{ code: 'x' }, 'invalid_request'],
      ]
      for (const [change, error] of changes) {
        assert.equal(await refused(await authorize(), change), error, JSON.stringify(change))
      }
      // Stolen: another browser, also one that has a session of its own, and without a verifier.
      const { code, verifier } = await authorize()
      assert.equal(await refused({ browser: createBrowser(), code, verifier }), 'invalid_grant')
      const other = await logIn('ben-ortega')
      const again = await authorize()
      assert.equal(await refused({ ...again, browser: other.browser }), 'invalid_grant')
      const { browser, code: third } = await authorize()
      const bare = await browser.fetch(`${base}/token`, {
        ...{ method: 'POST', headers: { ...form, origin: new URL(base).origin } },
        body: `grant_type=authorization_code&client_id=${CLIENT}&code=${third}&redirect_uri=${encodeURIComponent(callback)}`,
      })
      assert.equal(bare.json<{ error: string }>().error, 'invalid_grant')
    })

    test('[FA2] a launch of ours is good once, at its EHR, in its browser', async () => {
      const verifier = randomBytes(40).toString('base64url')
      const { browser, launch } = await launchApp()
      const elsewhere = await createBrowser().navigate(askFor(verifier, { launch }), () => true)
      assert.equal(elsewhere.status, 401)
      const gone = await browser.navigate(askFor(verifier, { launch }), () => true)
      assert.match(gone.headers.get('location') ?? '', /error=invalid_request/)
      const second = await launchApp()
      const other = askFor(verifier, { launch: second.launch, aud: `${world.app}/smart/dstu2` })
      const moved = await second.browser.navigate(other.replace('/general/', '/dstu2/'), () => true)
      assert.match(moved.headers.get('location') ?? '', /error=invalid_request/)
    })

    test('[FA2] an app that is not ours gets nothing, and ours is told what is wrong', async () => {
      const browser = createBrowser()
      const verifier = randomBytes(40).toString('base64url')
      const origin = new URL(callback).origin
      for (const change of [
        { client_id: 'another-app' },
        { client_id: undefined },
        { redirect_uri: undefined },
        { redirect_uri: 'https://evil.example/app/' },
        { redirect_uri: `${callback}?x=1` },
        { redirect_uri: `${origin}/app` },
        { redirect_uri: `${origin}/app/../other` },
        { redirect_uri: callback.replace('localhost', 'LOCALHOST') },
      ]) {
        const { status, headers } = await browser.navigate(askFor(verifier, change), () => true)
        assert.equal(status, 400, JSON.stringify(change))
        assert.match(headers.get('proxy-status') ?? '', /facade_client_invalid/)
      }
      for (const [change, error] of [
        [{ response_type: 'token' }, 'unsupported_response_type'],
        [{ aud: undefined }, 'invalid_request'],
        [{ aud: `${world.sandbox.url}/r4` }, 'invalid_request'],
        [{ code_challenge_method: 'plain' }, 'invalid_request'],
        [{ code_challenge_method: undefined }, 'invalid_request'],
        [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
        [{ launch: 'x' }, 'invalid_request'],
        [{ launch: 'A'.repeat(43) }, 'invalid_request'],
        [{ nonce: 'a\u0000b' }, 'invalid_request'],
      ] as const) {
        const answer = await browser.navigate(askFor(verifier, change), () => true)
        const location = new URL(answer.headers.get('location') ?? '')
        assert.equal(location.searchParams.get('error'), error, JSON.stringify(change))
        assert.equal(location.searchParams.get('state'), 'of the app')
      }
      const twice = await browser.navigate(`${askFor(verifier)}&aud=${base}`, () => true)
      assert.match(twice.headers.get('location') ?? '', /error=invalid_request/)
    })

    test('[FA3] a name opens nothing by itself, nor beside the ticket of another session', async () => {
      const amy = await logIn('amy-shaw')
      const both = await logIn('ben-ortega', amy.browser)
      const named = (browser: Browser, name: string | undefined, headers = {}) =>
        browser.fetch(`${base}/Patient/amy-shaw`, {
          headers: { ...(name ? { authorization: `Bearer ${name}` } : {}), ...headers },
        })
      const name = amy.token.access_token
      assert.equal((await named(createBrowser(), name)).status, 401)
      const stranger = await logIn('ben-ortega')
      assert.equal((await named(stranger.browser, name)).status, 401)
      for (const wrong of [undefined, `${name}A`, 'x']) {
        assert.equal((await named(amy.browser, wrong)).status, 401, wrong)
      }
      assert.equal((await named(amy.browser, name, { origin: 'https://evil.example' })).status, 403)
      assert.equal((await named(amy.browser, name, { 'sec-fetch-site': 'cross-site' })).status, 403)
      const elsewhere = await amy.browser.fetch(`${world.app}/smart/dstu2/Patient/1`, {
        headers: { authorization: `Bearer ${name}` },
      })
      assert.equal(elsewhere.status, 401)
      // Two patients in one browser: each name reads its own.
      const seen = await Promise.all(
        [amy, both].map(one => one.read(`/Patient/${one.token.patient}`)),
      )
      assert.deepEqual(
        seen.map(answer => answer.json<{ id: string }>().id),
        ['amy-shaw', 'ben-ortega'],
      )
      const ended = await amy.browser.fetch(`${world.app}/sessions/${name}`, {
        ...{ method: 'DELETE', headers: { origin: new URL(base).origin } },
      })
      assert.equal(ended.status, 200)
      assert.equal((await amy.read('/Patient/amy-shaw')).status, 401)
      assert.equal((await both.read('/Patient/ben-ortega')).status, 200)
    })

    test('[FA3] pages of other sites get no token, and no frame shows an authorization', async () => {
      const app = await authorize()
      const stolen = await redeem(app, {}, { origin: 'https://evil.example' })
      assert.equal(stolen.status, 403)
      const { headers } = await app.browser.navigate(askFor(app.verifier), () => true)
      assert.equal(headers.get('x-frame-options'), 'DENY')
      assert.equal((await redeem(app)).status, 200)
    })
  })
}
