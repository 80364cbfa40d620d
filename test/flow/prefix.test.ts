// The product below a path, beside a frontend that has the root.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { makeTestFolder } from '../world/folder.ts'
import { createWorld } from '../world/world.ts'
import { launchFromEhr, logIn } from './login.ts'

test('a public URL with a path prefixes every route, cookie names stay, and FHIR is found below it', async t => {
  const world = await createWorld({
    configure(document) {
      document.publicUrl += '/bff'
      document.frontend = { returnTo: '/app' }
    },
  })
  t.after(() => world.close())
  assert.match(world.app, /\/bff$/)
  const browser = createBrowser()
  const { landing, fhirBaseUrl, document } = await logIn(world, browser, 'amy-shaw')
  assert.equal(new URL(landing.url).pathname, '/app')
  assert.equal(fhirBaseUrl, `${world.app}/sessions/${document.id}/fhir`)
  const search = await browser.fetch(`${fhirBaseUrl}/Observation?_count=2`)
  const bundle = search.json<{ link: { url: string }[]; entry: { fullUrl: string }[] }>()
  for (const { url } of bundle.link) assert.ok(url.startsWith(fhirBaseUrl), url)
  for (const { fullUrl } of bundle.entry) assert.ok(fullUrl.startsWith(fhirBaseUrl), fullUrl)
  await launchFromEhr(world, browser, 'ben-ortega')
  assert.equal((await browser.fetch(`${world.app}/sessions`)).json<unknown[]>().length, 2)
  const root = new URL(world.app).origin
  for (const path of ['/sessions', '/login', '/ehrs']) {
    assert.equal((await browser.fetch(root + path)).status, 404, path)
  }
  const out = await browser.fetch(`${world.app}/logout`, { method: 'POST' })
  assert.equal(out.json<{ endSessionUrls: string[] }>().endSessionUrls.length, 2)
})

test('[L23] a login lands at the pages that fhirstorm serves, also below a path, and at the root where another does', async t => {
  const folder = makeTestFolder(t)
  writeFileSync(join(folder, 'index.html'), '<title>Here</title>')
  for (const [frontend, path] of [
    [{ static: folder }, '/bff/'],
    [{ static: folder, returnTo: '/bff/index.html' }, '/bff/index.html'],
    [{}, '/'],
  ] as const) {
    const world = await createWorld({
      configure(document) {
        document.publicUrl += '/bff'
        document.frontend = frontend
      },
    })
    t.after(() => world.close())
    const browser = createBrowser()
    for (const { landing } of [
      await logIn(world, browser, 'amy-shaw'),
      await launchFromEhr(world, browser, 'ben-ortega'),
    ]) {
      assert.equal(new URL(landing.url).pathname, path)
      if (path !== '/') assert.match(await (await fetch(landing.url)).text(), /Here/)
    }
  }
})
