import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { createAuthority } from '../http/certificates.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, createApp } from './app.ts'

test('two sandboxes in one process share nothing', async t => {
  const first = await startSandbox({ port: 0, appUrl: APP_URL })
  const second = await startSandbox({ port: 0, appUrl: APP_URL })
  t.after(() => Promise.all([first.close(), second.close()]))
  const parameters = { patient: 'amy-shaw', auto: '1' }
  const { access_token: token, refresh_token: refreshToken } = await createApp(first).login(
    createBrowser(),
    { parameters },
  )
  assert.equal((await createApp(second).fhir(token, '/Patient/amy-shaw')).status, 401)
  assert.equal((await createApp(second).refresh(refreshToken)).status, 400)
})

test('the sandbox tells of each request, without its query', async t => {
  const heard: string[] = []
  const sandbox = await startSandbox({
    port: 0,
    appUrl: APP_URL,
    onRequest: ({ method, path }) => heard.push(`${method} ${path}`),
  })
  t.after(() => sandbox.close())
  await fetch(`${sandbox.base('r4')}/metadata?_format=json`)
  await fetch(`${sandbox.url}/oauth/token`, { method: 'POST' })
  assert.deepEqual(heard, ['GET /r4/metadata', 'POST /oauth/token'])
})

test('the sandbox speaks TLS with the certificate it is given', async t => {
  const authority = createAuthority()
  const tls = authority.issue('IP:127.0.0.1')
  const sandbox = await startSandbox({ port: 0, appUrl: APP_URL, tls })
  t.after(() => sandbox.close())
  const request = get(`${sandbox.base('r4')}/.well-known/smart-configuration`, { ca: authority.ca })
  const [response] = await once(request, 'response')
  const { issuer } = JSON.parse(await text(response))
  assert.equal(issuer, sandbox.url)
  assert.match(issuer, /^https:/)
})

test('a login is silent on the console', async t => {
  const written: unknown[] = []
  for (const method of ['log', 'info', 'warn', 'error'] as const) {
    t.mock.method(console, method, (...values: unknown[]) => written.push(values))
  }
  const sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  t.after(() => sandbox.close())
  const parameters = { patient: 'amy-shaw', auto: '1' }
  const app = createApp(sandbox)
  const tokens = await app.login(createBrowser(), { parameters })
  await app.refresh(tokens.refresh_token)
  assert.deepEqual(written, [])
})

test('the program starts by itself, says where it is, and ends on SIGTERM', async () => {
  const program = spawn(process.execPath, ['sandbox/main.ts'], {
    env: { ...process.env, SANDBOX_PORT: '0', APP_URL },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(program.stdout, 'data')
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(String(line)) ?? []
  assert.equal((await fetch(url)).status, 200)
  program.kill('SIGTERM')
  const [code] = await once(program, 'exit')
  assert.equal(code, 0)
})
