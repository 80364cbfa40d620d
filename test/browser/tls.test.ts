// The product with TLS of its own, in a real browser: where nothing stands in front of it.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import type { Browser } from 'playwright-core'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createAuthority } from '../network/certificates.ts'
import { type Broker, createBroker, makeFolder } from '../world/broker.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { findPort } from '../world/port.ts'

describe('over TLS in Chromium', { skip: !hasChromium() }, () => {
  let sandbox: Sandbox
  let broker: Broker
  let chromium: Browser
  let port: number
  before(async () => {
    port = await findPort()
    const app = `https://localhost:${port}`
    sandbox = await startSandbox({ port: 0, appUrl: app, ehrIds: ['dstu2'] })
    const folder = makeFolder()
    const pair = createAuthority().issue('DNS:localhost')
    const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
    writeFileSync(files.certFile, pair.cert)
    writeFileSync(files.keyFile, pair.key, { mode: 0o600 })
    const pages = join(folder, 'pages')
    mkdirSync(pages)
    writeFileSync(join(pages, 'index.html'), '<title>An app</title>')
    broker = createBroker({
      ...{ app, sandbox: sandbox.url, folder },
      configure(document) {
        document.listen.tls = files
        // An app's page: the built-in one may not fetch.
        document.frontend = { static: pages }
      },
    })
    await broker.start()
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await broker.close()
    await sandbox.close()
  })

  test('[K1] a launch ends in __Host- cookies, and they read FHIR and log out', async t => {
    const context = await chromium.newContext({ ignoreHTTPSErrors: true })
    t.after(() => context.close())
    const page = await context.newPage()
    const landed = await page.goto(`${sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    assert.equal(landed?.status(), 200)
    const id = new URL(page.url()).searchParams.get('session')
    const cookies = await context.cookies(broker.app)
    const ticket = cookies.find(({ name }) => name === `__Host-fhirstorm-${id}`)
    assert.deepEqual(
      [ticket?.secure, ticket?.httpOnly, ticket?.sameSite, ticket?.path],
      [true, true, 'Strict', '/'],
    )
    for (const { name } of cookies) assert.match(name, /^__Host-fhirstorm-/)
    assert.match(landed?.headers()['strict-transport-security'] ?? '', /max-age=31536000/)

    const statuses = await page.evaluate(async session => {
      const answer = await (await fetch(`/sessions/${session}`)).json()
      const { fhirBaseUrl } = answer as { fhirBaseUrl: string }
      const status = async (...asked: Parameters<typeof fetch>) => (await fetch(...asked)).status
      const read = await status(`${fhirBaseUrl}/Patient/amy-shaw`)
      const out = await status('/logout', { method: 'POST' })
      return [read, out, await status(`${fhirBaseUrl}/Patient/amy-shaw`)]
    }, id)
    assert.deepEqual(statuses, [200, 200, 401])
  })

  test('nothing older than TLS 1.2 is spoken', async () => {
    for (const [version, isSpoken] of [
      ['TLSv1.1', false],
      ['TLSv1.2', true],
      ['TLSv1.3', true],
    ] as const) {
      const versions = { minVersion: version, maxVersion: version }
      // Node's own security level would refuse the old version before the server can.
      const options = { ciphers: 'DEFAULT@SECLEVEL=0', rejectUnauthorized: false, ...versions }
      const spoken = await new Promise(done => {
        const socket = connect({ port, host: 'localhost', ...options }, () => {
          socket.destroy()
          done(true)
        })
        socket.on('error', () => done(false))
      })
      assert.equal(spoken, isSpoken, version)
    }
  })
})
