// What docs/frontend.md tells a frontend developer to type, run, and what it tells of tools, held against
// the product.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { readKind } from '../../client/fault.ts'
import * as browserClient from '../../client/index.ts'
import { faultCodes } from '../../src/errors.ts'
import { type LoggedIn, launchFromEhr, logIn } from '../flow/login.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { createWorld, type World } from '../world/world.ts'

let world: World
let folder: string
let browser: Browser
let login: LoggedIn
let guide: string
before(async () => {
  guide = await readFile('docs/frontend.md', 'utf8')
  folder = await mkdtemp(join(tmpdir(), 'fhirstorm-guide-'))
  world = await createWorld({
    configure(document) {
      document.hosts = ['localhost:5000']
    },
  })
  browser = createBrowser()
  login = await logIn(world, browser, 'amy-shaw', 'ehr=general&return_to=/app')
})
after(async () => {
  await world?.close()
  removeFolder(folder)
})

test('what the guide shows of an example stands there, word for word', async () => {
  const shown = [...guide.matchAll(/<!-- from:(\S+) -->\n```ts\n([\s\S]*?)```/g)]
  assert.ok(shown.length > 0)
  for (const [, path = '', code = ''] of shown) {
    assert.ok((await readFile(path, 'utf8')).includes(code), path)
  }
})

test('[Z6] the guide names every member of the client, every kind of fault, and each code that has a kind of its own', async () => {
  const members = Object.keys(browserClient.createClient({ baseUrl: world.app }))
  const exported = Object.keys(browserClient).filter(name => name !== 'Fault')
  for (const name of [...members, ...exported]) {
    assert.match(guide, new RegExp(`^.*\`${name}(?:\\(.*?\\)|)\``, 'm'), name)
  }
  const kinds = await readFile('client/fault.ts', 'utf8')
  const [, union = ''] = /export type FaultKind =([\s\S]*?)\n\n/.exec(kinds) ?? []
  for (const [, kind] of union.matchAll(/'([\w-]+)'/g)) {
    assert.match(guide, new RegExp(`^\\|.*\\| \`${kind}\` \\|`, 'm'), kind)
  }
  const [, table = ''] = /\n## What a 401 means\n([\s\S]*?)\n## /.exec(guide) ?? []
  for (const code of faultCodes) {
    const details = new Headers({ 'proxy-status': `fhirstorm; details="${code}"` })
    const row = table.split('\n').find(line => line.startsWith('|') && line.includes(`\`${code}\``))
    const kind = readKind(details)
    if (kind === 'refused') assert.equal(row, undefined, code)
    else assert.ok(row?.includes(`| \`${kind}\` |`), code)
  }
})

/** The module of the guide as a page at `href` loads it, with that page's cookies. */
async function load(href: string, gone: string[]) {
  const [, code = ''] = /<!-- run:first-visit -->\n```js\n([\s\S]*?)```/.exec(guide) ?? []
  const client = pathToFileURL(resolve('client/index.ts')).href
  const settings = '{ fetch: globalThis.sendAsPage }'
  const file = join(folder, `${gone.length}-${href.length}.mjs`)
  await writeFile(
    file,
    code
      .replace('fhirstorm/browser', client)
      .replace('createClient()', `createClient(${settings})`),
  )
  const page = {
    location: { href, origin: world.app, assign: (url: string) => gone.push(url) },
    async sendAsPage(input: string | URL | Request, init: RequestInit = {}) {
      const asked = new Request(input, init)
      const headers = Object.fromEntries(asked.headers)
      const answer = await browser.fetch(asked.url, { method: asked.method, headers })
      return new Response(answer.text, { status: answer.status, headers: answer.headers })
    },
  }
  Object.assign(globalThis, page)
  return (await import(pathToFileURL(file).href)) as { readPatient(): Promise<{ id: string }> }
}

test('the first visit signs in, and the page that it comes back to reads the patient', async () => {
  const gone: string[] = []
  const first = await load(`${world.app}/app`, gone)
  await first.readPatient()
  assert.deepEqual(gone, [`${world.app}/login?return_to=%2Fapp`])
  const second = await load(login.landing.url, [])
  assert.equal((await second.readPatient()).id, 'amy-shaw')
  Reflect.deleteProperty(globalThis, 'location')
})

test('a rewrite that sends the target’s own Host is served where hosts names it, and trusted as no Origin', async () => {
  assert.equal(await askAs('localhost:5000'), 200)
  assert.equal(await askAs('localhost:5001'), 421)
  assert.equal(await askAs('localhost:5000', { origin: 'http://localhost:5000' }), 403)
})

test('a server component reads with the browser’s cookie, and writes with X-CSRF', async () => {
  const nurse = createBrowser()
  const { fhirBaseUrl } = await launchFromEhr(world, nurse, 'amy-shaw')
  const cookie = [...nurse.cookies(world.app)].map(pair => pair.join('=')).join('; ')
  const url = `${fhirBaseUrl}/Patient/amy-shaw`
  assert.equal((await fetch(url, { headers: { cookie } })).status, 200)
  const body = JSON.stringify({
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'by a server' } },
    subject: { reference: 'Patient/amy-shaw' },
  })
  const post = async (headers: Record<string, string>) =>
    await fetch(`${fhirBaseUrl}/Observation`, {
      method: 'POST',
      body,
      headers: { cookie, 'content-type': 'application/fhir+json', ...headers },
    })
  assert.equal((await post({})).status, 403)
  assert.equal((await post({ 'x-csrf': '1' })).status, 201)
})

function askAs(host: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((done, fail) => {
    request(`${world.app}/ehrs`, { headers: { host, ...headers } }, answer => {
      answer.resume()
      done(answer.statusCode)
    })
      .on('error', fail)
      .end()
  })
}
