// Several processes over one vault, and several instances over Redis: one renewal for all, sessions that
// end everywhere, launches that finish elsewhere, and restarts that lose nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { launchFromEhr, logIn } from '../flow/login.ts'
import { openStream } from '../flow/stream.ts'
import { hasRedis, type RedisServer, startRedis } from '../vault/redis-server.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { endlessFace } from '../world/ehrs.ts'
import { call, type Deployment, deploy } from './deployment.ts'

function testDeployment(name: string, lagMs: number, start: () => Promise<Deployment>): void {
  describe(name, () => {
    let deployment: Deployment
    before(async () => {
      deployment = await start()
    })
    // It is not there when its start has failed.
    after(() => (deployment as Deployment | undefined)?.close())

    test(`[F1, BP-01] 200 calls a process at the moment of expiry make one token call (${name})`, async () => {
      const { ports, sandbox, tokenCalls } = deployment
      const browser = createBrowser()
      const { id } = await logIn(deployment, browser, 'amy-shaw')
      sandbox.expireAccessTokens()
      const before = tokenCalls()
      const path = `/sessions/${id}/fhir/Patient/amy-shaw`
      const answers = await Promise.all(
        ports.flatMap(port =>
          Array.from({ length: 200 }, () => call(deployment, port, path, browser)),
        ),
      )
      const statuses = new Map<number, number>()
      for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1)
      assert.deepEqual([...statuses], [[200, ports.length * 200]])
      assert.equal(tokenCalls() - before, 1)
    })

    test(`[K5, K19] a session ended on one is refused on all (${name})`, async () => {
      const browser = createBrowser()
      const { id } = await logIn(deployment, browser, 'amy-shaw')
      const path = `/sessions/${id}/fhir/Patient/amy-shaw`
      for (const port of deployment.ports) {
        assert.equal((await call(deployment, port, path, browser)).status, 200)
      }
      const [first = 0] = deployment.ports
      assert.equal(
        (await call(deployment, first, `/sessions/${id}`, browser, 'DELETE')).status,
        200,
      )
      await new Promise(done => setTimeout(done, lagMs))
      for (const port of deployment.ports) {
        assert.equal((await call(deployment, port, path, browser)).status, 401)
      }
    })

    test(`[K5, K19, O5] an ending on one cuts what is read on another (${name})`, async () => {
      const { app, ports, adminPort, sandbox } = deployment
      const elsewhere = String(ports.at(-1))
      const endings: ((browser: Browser, id: string) => Promise<unknown>)[] = [
        (browser, id) => browser.fetch(`${app}/sessions/${id}`, { method: 'DELETE' }),
        () => sandbox.logout('practitioner'),
        () => fetch(`http://127.0.0.1:${adminPort}/sessions?ehr=endless`, { method: 'DELETE' }),
      ]
      const neighbour = createBrowser()
      const theirs = await launchFromEhr(deployment, neighbour, 'amy-shaw', '&user=nurse')
      for (const end of endings) {
        const browser = createBrowser()
        const { id, fhirBaseUrl } = await logIn(deployment, browser, 'amy-shaw', 'ehr=endless')
        const stream = await openStream(browser, `${fhirBaseUrl}/Patient`, elsewhere)
        await end(browser, id)
        await stream.cut()
        const path = `/sessions/${id}/fhir/Patient`
        assert.equal((await call(deployment, ports.at(-1) ?? 0, path, browser)).status, 401)
      }
      assert.equal((await neighbour.fetch(`${theirs.fhirBaseUrl}/Patient`)).status, 200)
    })

    test(`a launch begun on one finishes on another (${name})`, async () => {
      const { app, ports } = deployment
      const browser = createBrowser()
      const begun = await browser.navigate(`${app}/login?ehr=general`, () => true)
      const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
      const stopped = await browser.navigate(authorize, url => url.startsWith(app))
      const callback = new URL(stopped.headers.get('location') ?? '')
      const path = callback.pathname + callback.search
      const landed = await call(deployment, ports.at(-1) ?? 0, path, browser)
      assert.equal(landed.status, 303)
      assert.ok(new URL(landed.location ?? '').searchParams.get('session'))
    })

    test(`a rolling restart loses no session (${name})`, async () => {
      const browser = createBrowser()
      const { id } = await logIn(deployment, browser, 'amy-shaw')
      const path = `/sessions/${id}/fhir/Patient/amy-shaw`
      for (const broker of deployment.brokers) {
        assert.equal(await broker.stop(), 0)
        await broker.start()
        for (const port of deployment.ports) {
          assert.equal((await call(deployment, port, path, browser)).status, 200)
        }
      }
    })
  })
}

testDeployment('four processes over SQLite', 0, () => deploy(4, { faces: [endlessFace] }))

if (hasRedis()) {
  let redis: RedisServer
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.close())
  testDeployment('two instances over Redis', 1000, () =>
    deploy(2, {
      faces: [endlessFace],
      configure(document) {
        document.vault = { kind: 'redis', url: redis.url }
      },
    }),
  )
}
