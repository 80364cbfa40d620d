// From an EHR's address and a client to a service that logs users in, by the command alone.

import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { check } from '../../../program/cli/check.ts'
import { init } from '../../../program/cli/init.ts'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { tutorialClient } from '../../../sandbox/tutorial-client.ts'
import { suggestEhrId } from '../../../src/smart/survey/registration-block.ts'
import { logIn } from '../../flow/login.ts'
import { listen } from '../../network/listen.ts'
import { createBrowser } from '../../world/browser.ts'
import { adopt, end } from '../../world/children.ts'
import { makeTestFolder } from '../../world/folder.ts'
import { findPort } from '../../world/port.ts'
import { runIn } from './within.ts'

const program = join(import.meta.dirname, '../../../bin/fhirstorm.js')
let sandbox: Sandbox
let app: string
before(async () => {
  app = `http://localhost:${await findPort()}`
  // The redirect URI is registered there as the command will tell it.
  const ehrIds = [suggestEhrId('http://127.0.0.1/r4')]
  sandbox = await startSandbox({ port: 0, appUrl: app, ehrIds })
})
after(() => sandbox.close())

async function run(folder: string, ...args: string[]) {
  return await new Promise<{ status: number; out: string; error: string }>(done => {
    execFile(process.execPath, [program, ...args], { cwd: folder }, (failed, out, error) =>
      done({ status: failed ? Number(failed.code) : 0, out, error }),
    )
  })
}

test('[AL-14] a FHIR base and a client become a configuration that starts and logs in', async t => {
  const folder = makeTestFolder(t)
  writeFileSync(join(folder, 'given'), `${tutorialClient.secret}\n`, { mode: 0o600 })
  const asked = ['--iss', `${sandbox.url}/r4`, '--client-id', tutorialClient.id]
  const words = [...asked, '--client-secret-file', 'given', '--public-url', app]
  const made = await run(folder, 'init', ...words)
  assert.equal(made.status, 0, made.error)
  const [, redirectUri = ''] = /redirect URI +(\S+)/.exec(made.out) ?? []
  assert.match(redirectUri, new RegExp(`^${app}/redirect/`))
  assert.ok(!(made.out + made.error).includes(tutorialClient.secret))
  for (const name of ['fhirstorm.yaml', 'secrets/fhirstorm-keys.json', 'secrets/client-secret']) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
  const written = readFileSync(join(folder, 'fhirstorm.yaml'), 'utf8')
  const again = await run(folder, 'init', ...words)
  assert.match(again.error, /^fhirstorm init: fhirstorm.yaml is there already/)
  assert.equal(readFileSync(join(folder, 'fhirstorm.yaml'), 'utf8'), written)
  const checked = await run(folder, 'check', '--online')
  assert.equal(checked.status, 0, checked.out + checked.error)
  const register = new RegExp(`redirect URI +${redirectUri}\n`)
  assert.match(checked.out, register)

  const broker = adopt(
    spawn(process.execPath, [program, 'start'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  await new Promise<void>(done => {
    broker.stdout.on('data', chunk => String(chunk).includes('listening') && done())
  })
  const [, id = ''] = /- id: (\S+)/.exec(written) ?? []
  const browser = createBrowser()
  const { document } = await logIn({ app, sandbox }, browser, 'amy-shaw', `ehr=${id}`)
  assert.equal(document.patient, 'amy-shaw')
  assert.equal(await end(broker, 'SIGTERM'), 0)
})

test('[AL-14] the port of a public URL is ours only where nothing can stand before it', async t => {
  const read = async (publicUrl: string) => {
    const folder = makeTestFolder(t)
    const words = ['--iss', `${sandbox.url}/r4`, '--client-id', 'a', '--public-url', publicUrl]
    const { status, error } = await runIn(folder, init, ...words)
    assert.equal(status, 0, error)
    return /^listen: .*$/m.exec(readFileSync(join(folder, 'fhirstorm.yaml'), 'utf8'))?.[0]
  }
  assert.equal(await read('http://localhost:8080'), 'listen: { port: 8080 }')
  assert.equal(await read('http://localhost'), 'listen: { port: 80 }')
  assert.equal(await read('http://localhost:5173/bff'), undefined)
  assert.equal(await read('https://app.example.org'), undefined)
})

test('[AL-14] a client without a secret gets a key where the EHR takes one, and it is told where it is', async t => {
  const folder = makeTestFolder(t)
  const made = await runIn(folder, init, '--iss', `${sandbox.url}/r4`, '--client-id', 'a b"c')
  assert.equal(made.status, 0, made.error)
  assert.match(made.out, /key set \(JWKS\) +http:\/\/localhost:5000\/\.well-known\/jwks\.json/)
  const checked = await runIn(folder, check, '--explain')
  assert.ok(checked.out.includes(JSON.stringify('a b"c')), checked.out + checked.error)
  assert.match(checked.out, /"method": "private_key_jwt"/)
})

test('[ST3] nothing secret is written where a development server serves it, or where git takes it along', async t => {
  const words = ['--iss', `${sandbox.url}/r4`, '--client-id', 'a']
  for (const mark of ['index.html', 'vite.config.ts', 'vite.config.js']) {
    const folder = makeTestFolder(t)
    mkdirSync(join(folder, 'served/below'), { recursive: true })
    writeFileSync(join(folder, 'served/below/package.json'), '{}')
    writeFileSync(join(folder, 'served', mark), '')
    for (const where of ['served', 'served/below']) {
      const { status, error } = await runIn(folder, init, ...words, '--folder', where)
      assert.equal(status, 1)
      assert.match(error, new RegExp(`^fhirstorm init: .*/served/${mark}: a development server`))
      assert.deepEqual(readdirSync(join(folder, 'served/below')), ['package.json'])
    }
    const made = await runIn(folder, init, ...words, '--folder', 'beside')
    assert.equal(made.status, 0, made.error)
    const git = (...asked: string[]) =>
      execFileSync('git', asked, { cwd: join(folder, 'beside'), encoding: 'utf8' })
    git('init', '-q')
    assert.equal(git('status', '--porcelain', '-uall'), '?? fhirstorm.yaml\n')
  }
})

test('what cannot be begun is told in one line, and nothing is written', async t => {
  const folder = makeTestFolder(t)
  const nothing = await listen(t, (_, response) => response.writeHead(404).end())
  const iss = `${sandbox.url}/r4`
  for (const [words, line] of [
    [[], /^fhirstorm init: --iss is needed/],
    [['--iss', 'ehr'], /--iss is an https address/],
    [['--iss', iss], /--client-id is needed/],
    [
      ['--iss', iss, '--client-id', 'a', '--public-url', 'http://app.example.org'],
      /--public-url is/,
    ],
    [['--iss', iss, '--client-id', 'a', '--client-secret-file', 'x'], /cannot be read \(ENOENT\)/],
    [['--iss', iss, '--ca', 'x'], /--ca is no readable CA certificate/],
    [['--iss', `${nothing.origin}/fhir`, '--client-id', 'a'], /^fhirstorm init: no_oauth_metadata/],
  ] as const) {
    const { status, out, error } = await runIn(folder, init, ...words)
    assert.ok(Number(status) > 0)
    assert.match(error, line)
    assert.equal(error.trimEnd().split('\n').length, 1, error)
    assert.equal(out, '')
    assert.throws(() => statSync(join(folder, 'fhirstorm.yaml')))
    assert.throws(() => statSync(join(folder, 'secrets')))
  }
})
