// How often one address may begin or end a login, at the product itself: what its own options say, and
// whose address counts when there are proxies in front, or somebody who says so.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createWorld, type World } from '../world/world.ts'

const RATE = 600
/** Each with an answer that is quick. */
const routes = {
  '/launch': '/launch?iss=https%3A%2F%2Fnobody.example',
  '/launch/:ehr': '/launch/nobody',
  '/login': '/login?ehr=nobody',
  '/redirect': '/redirect?state=x',
  '/redirect/:ehr': '/redirect/general?state=x',
  '/backchannel-logout': '/backchannel-logout',
  '/smart/:ehr/authorize': '/smart/general/authorize?client_id=other',
  '/smart/:ehr/token': '/smart/general/token',
  '/smart/:ehr/metadata': '/smart/nobody/metadata',
  '/smart/:ehr/.well-known/smart-configuration': '/smart/nobody/.well-known/smart-configuration',
}
const POSTED = new Set(['/backchannel-logout', '/smart/general/token'])
const existingApp = { launchUrl: '/launch.html', redirectUris: ['/'], clientId: 'app' }
const BATCH = 50

let world: World

/** As a socket of this address brings it, with the header of a proxy. */
async function ask(url: string, remoteAddress: string, forwarded?: string): Promise<number> {
  const method = POSTED.has(url) ? 'POST' : 'GET'
  const headers: Record<string, string> = { host: new URL(world.app).host }
  if (forwarded !== undefined) headers['x-forwarded-for'] = forwarded
  if (method === 'POST') headers['content-type'] = 'application/x-www-form-urlencoded'
  const payload = method === 'POST' ? 'logout_token=x' : undefined
  return (await world.server.inject({ method, url, headers, remoteAddress, payload })).statusCode
}

async function askTimes(
  count: number,
  url: string,
  from: (i: number) => [remoteAddress: string, forwarded?: string],
): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < count; i += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - i) }, (_, j) => i + j)
    statuses.push(...(await Promise.all(batch.map(no => ask(url, ...from(no))))))
  }
  return statuses
}

describe('without proxies in front', () => {
  before(async () => {
    world = await createWorld({
      configure(document) {
        document.facade = existingApp
      },
    })
  })
  after(() => world.close())

  for (const [route, url] of Object.entries(routes)) {
    test(`[DS2, L22] the 601st request to ${route} within a minute is a 429, for this address alone`, async () => {
      const address = '192.0.2.1'
      const statuses = await askTimes(RATE, url, () => [address])
      assert.ok(!statuses.includes(429))
      assert.equal(await ask(url, address), 429)
      assert.notEqual(await ask(url, '192.0.2.2'), 429)
    })
  }

  test('[DS6] what an untrusted caller says of its address moves no limit', async () => {
    const [url, address] = [routes['/login'], '198.51.100.1']
    const statuses = await askTimes(RATE, url, i => [address, `203.0.113.${i % 250}`])
    assert.ok(!statuses.includes(429))
    assert.equal(await ask(url, address, '203.0.113.251'), 429)
    assert.equal(await ask(url, address), 429)
    assert.notEqual(await ask(url, '203.0.113.1'), 429)
  })
})

describe('behind a proxy', () => {
  const proxy = '10.1.2.3'
  before(async () => {
    world = await createWorld({
      configure(document) {
        document.trustedProxies = ['10.0.0.0/8']
      },
    })
  })
  after(() => world.close())

  test('[DS6] the address that the proxy saw counts, not what the caller sent it', async () => {
    const url = routes['/login']
    // The proxy appends the true address to whatever the caller has made up.
    const statuses = await askTimes(RATE, url, i => [proxy, `9.9.9.${i % 250}, 192.0.2.7`])
    assert.ok(!statuses.includes(429))
    assert.equal(await ask(url, proxy, '9.9.9.251, 192.0.2.7'), 429)
    assert.notEqual(await ask(url, proxy, '192.0.2.7, 192.0.2.8'), 429)
    assert.equal(await ask(url, '192.0.2.7'), 429)
  })

  test('[DS6, AD3] around the proxy nobody is believed', async () => {
    const [url, address] = [routes['/redirect'], '198.51.100.2']
    const statuses = await askTimes(RATE, url, i => [address, `203.0.113.${i % 250}`])
    assert.ok(!statuses.includes(429))
    assert.equal(await ask(url, address, '203.0.113.251'), 429)
  })

  test('[DS6] addresses that are none share one limit, and are not kept', async () => {
    const url = routes['/launch']
    const statuses = await askTimes(RATE, url, i => [proxy, `${i}-${'x'.repeat(50)}`])
    assert.ok(!statuses.includes(429))
    assert.equal(await ask(url, proxy, 'another'), 429)
  })
})
