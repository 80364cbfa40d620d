// An EHR that is gone from the configuration, or whose id now names another one, over a restart with the
// same keys and vault: its sessions are over, and their tokens go to nobody else; nor does the code of a login
// that was under way.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { createBroker, makeFolder } from '../world/broker.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import type { ConfigDocument } from '../world/world.ts'
import { logIn } from './login.ts'

/** A login up to the EHR's answer, which is the callback's URL. */
async function beginLogin(app: string, browser: Browser): Promise<string> {
  const begun = await browser.navigate(`${app}/login?ehr=general`, () => true)
  const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  const stopped = await browser.navigate(authorize, url => url.startsWith(app))
  const callback = new URL(stopped.headers.get('location') ?? '')
  // Many an EHR does not name itself.
  callback.searchParams.delete('iss')
  return callback.href
}

test('[P14, K14, C2] a session of an EHR that is gone or has moved opens nothing; its token and the code of a login stay here', async t => {
  const app = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl: app, ehrIds: ['general', 'dstu2'] })
  let description: object = {}
  const heard: unknown[] = []
  const another = createServer((request, response) => {
    const { url = '', headers } = request
    const isDescription = url === '/r4/.well-known/smart-configuration'
    if (!isDescription && !url.includes('.well-known')) heard.push([url, headers])
    response.setHeader('content-type', 'application/json')
    if (!isDescription) response.statusCode = 404
    response.end(isDescription ? JSON.stringify(description) : '{}')
  })
  another.listen(0, '127.0.0.1')
  await once(another, 'listening')
  const folder = makeFolder()
  t.after(async () => {
    another.close()
    await sandbox.close()
    removeFolder(folder)
  })
  const start = async (configure: (document: ConfigDocument) => void = () => {}) => {
    const broker = createBroker({ app, sandbox: sandbox.url, folder, configure })
    t.after(() => broker.close())
    await broker.start()
    return broker
  }

  const before = await start()
  const browser = createBrowser()
  const { id, fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
  const kept = new Map(browser.cookies(app))
  const callbacks = [await beginLogin(app, browser), await beginLogin(app, browser)]
  const underWay = new Map(browser.cookies(app))
  await before.stop()

  const elsewhere = `http://127.0.0.1:${(another.address() as AddressInfo).port}`
  description = {
    authorization_endpoint: `${elsewhere}/authorize`,
    token_endpoint: `${elsewhere}/token`,
    grant_types_supported: ['authorization_code'],
    code_challenge_methods_supported: ['S256'],
    capabilities: ['launch-ehr', 'launch-standalone', 'client-public'],
  }
  const changes: ((document: ConfigDocument) => void)[] = [
    document => {
      document.ehrs[0].iss = `${elsewhere}/r4`
      document.ehrs[0].origins = [elsewhere]
    },
    // Another server of the very same origin.
    document => {
      document.ehrs[0].iss = `${sandbox.url}/faces/online/fhir`
    },
    document => document.ehrs.shift(),
  ]
  for (const change of changes) {
    const after = await start(change)
    for (const [name, value] of kept) browser.setCookie(app, name, value)
    for (const url of [`${fhirBaseUrl}/Patient/amy-shaw`, `${app}/sessions/${id}`]) {
      assert.equal((await browser.fetch(url)).status, 401, url)
    }
    assert.equal((await browser.fetch(`${app}/sessions/${id}`, { method: 'DELETE' })).status, 401)
    assert.deepEqual((await browser.fetch(`${app}/sessions`)).json(), [])
    for (const [name, value] of underWay) browser.setCookie(app, name, value)
    const callback = callbacks.shift()
    if (callback !== undefined) {
      const { headers } = await browser.fetch(callback)
      assert.match(headers.get('proxy-status') ?? '', /details="issuer_mismatch"/)
    }
    await after.stop()
  }
  assert.deepEqual(heard, [])

  await start()
  for (const [name, value] of kept) browser.setCookie(app, name, value)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
})
