// Processes whose clocks differ, or jump while the EHR thinks: one of them renews, once, and the session
// lives. Real processes, real Redis, and an EHR that drops the grant of a refresh token it sees twice.

import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { late } from '../../sandbox/faces/answers.ts'
import type { TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { logIn } from '../flow/login.ts'
import { hasRedis, startRedis } from '../vault/redis-server.ts'
import { createBrowser } from '../world/browser.ts'
import { eventually } from '../world/eventually.ts'
import { call, type Deployment, type DeployOptions, deploy } from './deployment.ts'

/** More than a lease of 30 s. */
const SKEW_MS = 31_000
const THINKS_MS = 2_000
const thinkingFace = {
  name: 'thinking',
  about: 'Renewals take their time.',
  token: (body: Record<string, unknown>, { renewal }: TokenCall) =>
    renewal === 0 ? json(body) : late(json(body), THINKS_MS),
}
const withClock = (skewMs: number) => ({
  NODE_OPTIONS: `--import=${pathToFileURL('test/faults/skewed-clock.ts').href}`,
  CLOCK_SKEW_MS: `${skewMs}`,
  CLOCK_JUMP_MS: `${SKEW_MS}`,
})

async function start(t: TestContext, skews: number[], options: Partial<DeployOptions> = {}) {
  const env = (i: number) => withClock(skews[i] ?? 0)
  const deployment = await deploy(skews.length, { faces: [thinkingFace], env, ...options })
  t.after(() => deployment.close())
  return deployment
}

async function overRedis(t: TestContext): Promise<Partial<DeployOptions>> {
  const redis = await startRedis()
  t.after(() => redis.close())
  return {
    configure(document) {
      document.vault = { kind: 'redis', url: redis.url }
      document.sessions = { ...document.sessions, idleMinutes: 1 }
    },
  }
}

/** Reads on every process while the first one renews; `meanwhile` happens when the EHR thinks. */
async function renewEverywhere(deployment: Deployment, meanwhile: () => void): Promise<void> {
  const { ports, sandbox, tokenCalls, revocations } = deployment
  const [first = 0, ...others] = ports
  const browser = createBrowser()
  const { id } = await logIn(deployment, browser, 'amy-shaw', 'ehr=thinking')
  const path = `/sessions/${id}/fhir/Patient/amy-shaw`
  for (const port of ports) assert.equal((await call(deployment, port, path, browser)).status, 200)
  sandbox.expireAccessTokens()
  const [calls, revoked] = [tokenCalls(), revocations()]
  const reading = [call(deployment, first, path, browser)]
  assert.ok(await eventually(() => tokenCalls() > calls))
  meanwhile()
  reading.push(...others.map(port => call(deployment, port, path, browser)))
  for (const { status, text } of await Promise.all(reading)) assert.equal(status, 200, text)
  for (const port of ports) assert.equal((await call(deployment, port, path, browser)).status, 200)
  assert.deepEqual([tokenCalls(), revocations()], [calls + 1, revoked])
}

const jump = ({ brokers }: Deployment) => {
  for (const broker of brokers) process.kill(broker.pid(), 'SIGWINCH')
}

test('[F13, F2] clocks that jump during the call let no second process in (SQLite)', async t => {
  const deployment = await start(t, [0, 0])
  await renewEverywhere(deployment, () => jump(deployment))
})

describe('over Redis', { skip: !hasRedis() }, () => {
  test('[F13, F2] a process whose clock is ahead waits like every other', async t => {
    await renewEverywhere(await start(t, [0, SKEW_MS], await overRedis(t)), () => {})
  })

  test('[F13, F2] clocks that jump during the call let no second process in (Redis)', async t => {
    const deployment = await start(t, [0, 0], await overRedis(t))
    await renewEverywhere(deployment, () => jump(deployment))
  })

  test('[F10] a token and a session end at one time, whatever the clock of who reads it', async t => {
    const skews = [-SKEW_MS, SKEW_MS]
    const options = { ...(await overRedis(t)), accessTokenSeconds: 50 }
    const deployment = await start(t, skews, options)
    const { ports, tokenCalls } = deployment
    const browser = createBrowser()
    const { id } = await logIn(deployment, browser, 'amy-shaw', 'ehr=thinking')
    const calls = tokenCalls()
    // For one clock the token is over and the session idle; for the other both are yet to be made.
    for (const port of [...ports, ...ports]) {
      const path = `/sessions/${id}/fhir/Patient/amy-shaw`
      const { status, text } = await call(deployment, port, path, browser)
      assert.equal(status, 200, text)
    }
    assert.equal(tokenCalls(), calls)
    const texts = await Promise.all(
      ports.map(port => call(deployment, port, `/sessions/${id}?slide=false`, browser)),
    )
    const [one, other] = texts.map(({ text }) => JSON.parse(text))
    assert.equal(one.expiresAt, other.expiresAt)
    assert.ok(Math.abs(Date.parse(one.createdAt) - Date.now()) < SKEW_MS)
    for (const broker of deployment.brokers) {
      assert.match(broker.output.join(''), /the clock of Redis and this machine's are 31 s apart/)
    }
  })
})
