// An EHR that is gone from the configuration, or whose id now names another one, over a restart with the
// same keys and vault: its sessions are over, and their tokens go to nobody else.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { createBroker, makeFolder } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { findPort } from '../world/port.ts'
import type { ConfigDocument } from '../world/world.ts'
import { logIn } from './login.ts'

test('[P14, K14] a session of an EHR that is gone or has moved opens nothing, and its token stays here', async t => {
  const app = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl: app, ehrIds: ['general', 'dstu2'] })
  const heard: IncomingHttpHeaders[] = []
  const another = createServer((request, response) => {
    heard.push(request.headers)
    response.end('{}')
  })
  another.listen(0, '127.0.0.1')
  await once(another, 'listening')
  const folder = makeFolder()
  t.after(async () => {
    another.close()
    await sandbox.close()
    await rm(folder, { recursive: true })
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
  await before.stop()

  const elsewhere = `http://127.0.0.1:${(another.address() as AddressInfo).port}`
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
    await after.stop()
  }
  assert.deepEqual(heard, [])

  await start()
  for (const [name, value] of kept) browser.setCookie(app, name, value)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
})
