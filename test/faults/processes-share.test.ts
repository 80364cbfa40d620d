// One service of several processes, asked by browsers whose every request may meet another of them: what one process
// alone would know is known to all, or is a share of the whole.

import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { Agent } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { readEvents } from '../../client/server-events.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { until } from '../world/eventually.ts'
import { ask, type Crew, startCrew } from './crew.ts'

const PROCESSES = 2
const CLIENT = 'existing-app'

for (const state of ['signed', 'opaque'] as const) {
  describe(`several processes, launches with ${state} state`, () => {
    let crew: Crew
    before(async () => {
      crew = await startCrew({
        processes: PROCESSES,
        configure(document) {
          document.state = state
          document.facade = {
            ...{ launchUrl: '/app/launch.html', redirectUris: ['/app/'], clientId: CLIENT },
          }
        },
      })
    })
    after(() => crew?.close())

    /** Which workers have answered a route so far. */
    async function workersOf(route: string): Promise<Set<number>> {
      const lines = crew.broker.output.join('').split('\n').slice(0, -1)
      const asked = lines.map(line => JSON.parse(line) as { route?: string; worker: number })
      return new Set(asked.filter(line => line.route === route).map(({ worker }) => worker))
    }

    test('[PR5, S4] launches begin at one worker and end at another, each once', async () => {
      for (let turn = 0; turn < 8; turn++) {
        const browser = createBrowser({ isRestless: true })
        const begun = await browser.navigate(`${crew.app}/login?ehr=general`, () => true)
        const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
        const stopped = await browser.navigate(authorize, url => url.startsWith(crew.app))
        const callback = stopped.headers.get('location') ?? ''
        const landed = await browser.navigate(callback, () => true)
        assert.equal(landed.status, 303, landed.text)
        const again = createBrowser({ isRestless: true })
        assert.equal((await again.navigate(callback)).status, 400, 'no other browser gets anything')
        const same = await browser.navigate(callback, () => true)
        assert.equal(same.status, 303, 'the same browser is led to its session')
        assert.equal(same.headers.get('location'), landed.headers.get('location'))
        // Connections go round: with one more, the next launch begins at another worker.
        await ask(`${crew.app}/healthz`, browser)
      }
      await until(async () => (await workersOf('/redirect/:ehr')).size === PROCESSES)
      assert.equal((await workersOf('/login')).size, PROCESSES)
    })

    test('[PR5, FA1] an existing app runs its own launch over all of them, and each code is taken once', async () => {
      const base = `${crew.app}/smart/general`
      for (let turn = 0; turn < 6; turn++) {
        const browser = createBrowser({ isRestless: true })
        const url = `${crew.sandbox.url}/launch-app?patient=amy-shaw&auto=1`
        const landed = await browser.navigate(url, next => next.includes('/app/launch.html'))
        const launch = new URL(landed.headers.get('location') ?? '').searchParams.get('launch')
        const verifier = randomBytes(40).toString('base64url')
        const query = new URLSearchParams({
          ...{ response_type: 'code', client_id: CLIENT, redirect_uri: `${crew.app}/app/` },
          ...{ aud: base, scope: 'launch openid fhirUser patient/*.rs', state: 'of the app' },
          ...{ launch: launch ?? '', code_challenge: hash('sha256', verifier, 'base64url') },
          code_challenge_method: 'S256',
        })
        const answer = await browser.navigate(`${base}/authorize?${query}`, () => true)
        const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
        const redeem = () =>
          browser.fetch(`${base}/token`, {
            method: 'POST',
            headers: { 'content-type': 'application/x-www-form-urlencoded', origin: crew.app },
            body: String(
              new URLSearchParams({
                ...{ grant_type: 'authorization_code', code, client_id: CLIENT },
                ...{ redirect_uri: `${crew.app}/app/`, code_verifier: verifier },
              }),
            ),
          })
        const redeemed = await Promise.all([redeem(), redeem(), redeem()])
        const token = redeemed.find(({ status }) => status === 200)
        assert.ok(token, redeemed[0]?.text)
        assert.deepEqual(redeemed.map(({ status }) => status).sort(), [200, 400, 400])
        const headers = {
          authorization: `Bearer ${token.json<{ access_token: string }>().access_token}`,
        }
        for (let read = 0; read < PROCESSES; read++) {
          const patient = await browser.fetch(`${base}/Patient/amy-shaw`, { headers })
          assert.equal(patient.status, 200, patient.text)
        }
      }
      await until(async () => (await workersOf('/smart/:ehr/token')).size === PROCESSES)
    })

    test('[PR5, EV1] an EHR that one worker finds down is told by all, and so is its first answer', async t => {
      const browser = createBrowser()
      const { fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw')
      const cookie = [...browser.cookies(crew.app)].map(pair => pair.join('=')).join('; ')
      const left = new AbortController()
      t.after(() => left.abort())
      /** What each of the streams was told of EHRs. */
      const told = await Promise.all(
        Array.from({ length: 2 * PROCESSES }, async () => {
          const response = await fetch(`${crew.app}/sessions/events`, {
            headers: { cookie, connection: 'close' },
            signal: left.signal,
          })
          const heard: string[] = []
          void (async () => {
            for await (const { type, data } of readEvents(response.body as never, 60_000)) {
              if (type === 'ehr') heard.push(JSON.parse(data).state)
            }
          })().catch(() => undefined)
          return heard
        }),
      )
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      t.after(() => agent.destroy())
      const read = () => ask(`${fhirBaseUrl}/Patient/amy-shaw`, browser, agent)
      const isTold = (words: readonly string[]) => () =>
        told.every(heard => heard.join() === words.join())
      assert.equal(await read(), 200)
      await crew.sandbox.close()
      assert.deepEqual([await read(), await read()], [502, 502])
      await until(isTold(['down']))
      assert.equal(await crew.metric('fhirstorm_up', { ehr: 'general' }), 0)
      // An EHR that begins anew has forgotten its tokens, and this takes none.
      const port = Number(new URL(crew.sandbox.url).port)
      crew.sandbox = await startSandbox({ port, appUrl: crew.app })
      assert.equal(await ask(`${fhirBaseUrl}/metadata`, browser, agent), 200)
      await until(isTold(['down', 'up']))
      assert.equal(await crew.metric('fhirstorm_up', { ehr: 'general' }), 1)
      const states = (await (await fetch(`${crew.admin}/ehrs`)).json()) as {
        ehr: string
        traffic?: { isDown: boolean; lastFailure?: { code: string } }
      }[]
      const { traffic } = states.find(({ ehr }) => ehr === 'general') ?? {}
      assert.equal(traffic?.isDown, false)
      assert.equal(traffic?.lastFailure?.code, 'upstream_unreachable')
    })
  })
}
