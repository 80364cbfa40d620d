// What the start page says to paste, pasted.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair } from 'jose'
import { parse } from 'yaml'
import { accounts } from '../../sandbox/authorization/accounts.ts'
import { ownClients } from '../../sandbox/authorization/clients.ts'
import { parseCommandLine, usage } from '../../sandbox/command-line.ts'
import { demoEhrIds } from '../../sandbox/demo-config.ts'
import { buildRecipes } from '../../sandbox/pages/recipes.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { makeTestFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { createWorld, type World } from '../world/world.ts'

const run = promisify(execFile)
const ehrIds = ['general', 'dstu2', 'keys', 'embedded', 'ehr']

function buildRecipe(url: string, appUrl: string, id: string): string {
  const recipes = buildRecipes({ url, appUrl, clients: ownClients({ appUrl, ehrIds }) })
  return recipes.find(recipe => recipe.id === id)?.text ?? assert.fail(`there is no recipe ${id}`)
}

let world: World
before(async () => {
  const { privateKey } = await generateKeyPair('ES384', { extractable: true })
  world = await createWorld({
    sandbox: { ehrIds },
    clientKeys: [{ ...(await exportJWK(privateKey)), kid: 'own', alg: 'ES384', use: 'sig' }],
    configure(document, sandboxUrl) {
      document.ehrs = parse(buildRecipe(sandboxUrl, document.publicUrl, 'file')).ehrs
    },
  })
})
after(() => world.close())

/** Pastes recipes into one shell; the JSON documents that it prints. */
async function paste(folder: string, ...ids: string[]): Promise<Record<string, unknown>[]> {
  const text = ids.map(id => buildRecipe(world.sandbox.url, world.app, id)).join('\n')
  const script = text.replace(/^curl/gm, 'echo; curl')
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder })
  return stdout
    .split('\n')
    .filter(line => /^[[{]/.test(line))
    .map(line => JSON.parse(line))
}

test('the README of the sandbox names every client, option, patient, user and address', async () => {
  const readme = readFileSync('sandbox/README.md', 'utf8')
  const appUrl = 'http://localhost:5000'
  const clients = ownClients({ appUrl, ehrIds })
  const options = [...usage.matchAll(/--[a-z-]+(?= )|[A-Z]+_[A-Z_]+/g)].map(([name]) => name)
  const patients = [
    ...(await (await fetch(world.sandbox.url)).text()).matchAll(/id="launch-([^"]+)/g),
  ]
  for (const name of [
    ...clients.flatMap(({ clientId, method, secret = clientId }) => [clientId, method, secret]),
    ...options.filter(name => name !== '--help' && name !== 'APP-URL'),
    ...patients.map(([, id = '']) => id),
    ...ehrIds,
    ...accounts.map(({ id }) => id),
  ]) {
    assert.ok(readme.includes(`\`${name}\``), name)
  }
  assert.equal(patients.length, 10)
  const { ehrIds: own = [] } = parseCommandLine([], {}) ?? {}
  assert.deepEqual([...demoEhrIds, ...own], ehrIds)
})

test('the start page shows each recipe as it is', async () => {
  const html = await (await fetch(world.sandbox.url)).text()
  const shown = [...html.matchAll(/aria-labelledby="([^"]+)">([^<]*)<\/pre>/g)].map(
    ([, id = '', text = '']) => [
      id,
      text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
    ],
  )
  assert.equal(shown.length, 7)
  for (const [id = '', text] of shown) {
    assert.equal(text, buildRecipe(world.sandbox.url, world.app, id))
  }
})

for (const ehr of ['general', 'dstu2', 'keys', 'embedded']) {
  test(`the entry ${ehr} of the file logs in and reads`, async () => {
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', `ehr=${ehr}`)
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  })
}

test('an EHR launch with curl, a PDF and an upload', async t => {
  const [sessions, patient, documents, uploaded] = await paste(
    makeTestFolder(t),
    'ehr-launch',
    'documents',
  )
  assert.equal((sessions as unknown as { patient: string }[])[0]?.patient, 'amy-shaw')
  assert.equal(patient?.id, 'amy-shaw')
  assert.equal(documents?.total, 3)
  assert.equal(uploaded?.contentType, 'application/pdf')
  assert.match(Buffer.from(String(uploaded?.data), 'base64').toString('latin1'), /^%PDF-/)
})

test('recipes are pasted again, and one after the other, into the same jar', async t => {
  const folder = makeTestFolder(t)
  for (const id of ['standalone', 'prepared', 'ehr-launch', 'ehr-launch']) {
    const [sessions, patient] = await paste(folder, id)
    assert.equal((sessions as unknown as unknown[]).length, 1, id)
    if (id === 'ehr-launch') assert.equal(patient?.id, 'amy-shaw')
  }
})

test('a login that begins in the app, and one that was prepared', async t => {
  for (const [id, expected] of [
    ['standalone', 'hiro-tanaka'],
    ['prepared', 'chloe-nguyen'],
  ] as const) {
    const [sessions] = await paste(makeTestFolder(t), id)
    assert.equal((sessions as unknown as { patient: string }[])[0]?.patient, expected)
  }
})

test('tokens with curl alone, whether or not an app listens', async t => {
  const [tokens] = await paste(makeTestFolder(t), 'tokens')
  assert.equal(tokens?.patient, 'amy-shaw')
  const appUrl = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl })
  t.after(() => sandbox.close())
  const script = buildRecipe(sandbox.url, appUrl, 'tokens')
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: makeTestFolder(t),
  })
  const { access_token: token } = JSON.parse(stdout)
  const url = `${sandbox.base('r4')}/Patient/amy-shaw`
  const read = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(read.status, 200)
})

test('fhirstorm starts from the environment as it was pasted, and logs in', async t => {
  const folder = makeTestFolder(t)
  const appUrl = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl, ehrIds })
  const program = `${process.execPath} ${resolve('bin/fhirstorm.js')}`
  const script = buildRecipe(sandbox.url, appUrl, 'environment')
    .replace('npm exec fhirstorm --', program)
    .replace('npm start', `exec ${program} start`)
  const broker = spawn('bash', ['-euc', script], { cwd: folder, stdio: 'ignore' })
  t.after(async () => {
    if (broker.exitCode === null) {
      broker.kill('SIGTERM')
      await once(broker, 'exit')
    }
    await sandbox.close()
  })
  while ((await fetch(`${appUrl}/readyz`).catch(() => undefined))?.status !== 200) {
    assert.equal(broker.exitCode, null, 'it has ended')
    await wait(100)
  }
  const browser = createBrowser()
  const begun = await browser.navigate(`${appUrl}/login?iss=${sandbox.url}/r4`, () => true)
  const landing = await browser.navigate(
    `${begun.headers.get('location')}&patient=amy-shaw&auto=1`,
    url => url.includes('session='),
  )
  assert.match(landing.headers.get('location') ?? '', /session=/)
})
