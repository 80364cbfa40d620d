import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import { createAuthority } from '../network/certificates.ts'
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

interface Program {
  lines: { out: string; error: string }
  /** Resolves with what it has said once it said something, or with its end. */
  spoken: Promise<string>
  exit: Promise<number | null>
  stop(): void
}

function startProgram(args: string[], env: Record<string, string> = {}): Program {
  const program = spawn(process.execPath, ['sandbox/main.ts', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = { out: '', error: '' }
  const exit = once(program, 'close').then(([code]) => code as number | null)
  const spoken = new Promise<string>(done => {
    program.stdout.on('data', chunk => {
      lines.out += chunk
      done(lines.out)
    })
    program.stderr.on('data', chunk => {
      lines.error += chunk
    })
    void exit.then(() => done(lines.out))
  })
  return { lines, spoken, exit, stop: () => void program.kill('SIGTERM') }
}

test('the program says in one line where it is, and ends on SIGTERM', async () => {
  const program = startProgram([], { SANDBOX_PORT: '0', APP_URL })
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(await program.spoken) ?? []
  assert.equal((await fetch(url)).status, 200)
  program.stop()
  assert.equal(await program.exit, 0)
  assert.match(program.lines.out, /^Sandbox EHR at http:\S+ for the app at \S+: .*\n$/)
  assert.equal(program.lines.error, '')
})

test('the program is told where the app is, and sends launches there', async () => {
  const program = startProgram(
    ['--port', '0', '--app-url', `${APP_URL}/`, '--launch-url', '/launch.html'],
    { REDIRECT_URI: '/index.html https://other.example/' },
  )
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(await program.spoken) ?? []
  const launch = await fetch(`${url}/launch-app?patient=amy-shaw`, { redirect: 'manual' })
  assert.match(launch.headers.get('location') ?? '', RegExp(`^${APP_URL}/launch\\.html\\?iss=`))
  const asked = new URLSearchParams({ client_id: tutorialClient.id, response_type: 'code' })
  for (const [uri, status] of [
    [`${APP_URL}/index.html`, 303],
    ['https://other.example/', 303],
    [`${APP_URL}/elsewhere.html`, 400],
  ] as const) {
    asked.set('redirect_uri', uri)
    const answer = await fetch(`${url}/oauth/authorize?${asked}`, { redirect: 'manual' })
    assert.equal(answer.status, status, uri)
  }
  program.stop()
  await program.exit
})

const usages: [args: string[], status: number, pattern: RegExp][] = [
  [['--help'], 0, /--app-url URL/],
  [['--port', 'x'], 1, /^--port x is no port; --help .*\n$/],
  [['--app-url', 'localhost:5000'], 1, /^--app-url localhost:5000 is no http .*\n$/],
  [
    ['--app-url', 'http://localhost:5000/#/app'],
    1,
    /^--app-url \S+ has a query or a fragment; .*\n$/,
  ],
  [['--nothing'], 1, /^Unknown option '--nothing'; --help .*\n$/],
  [['--host', '203.0.113.1', '--port', '0'], 1, /^--host is no address of this machine\n$/],
]
for (const [args, status, pattern] of usages) {
  test(`npm run sandbox -- ${args.join(' ')} says what there is to say`, async () => {
    const { exit, lines } = startProgram(args)
    assert.equal(await exit, status)
    assert.match(status === 0 ? lines.out : lines.error, pattern)
  })
}

test('a busy port is told in one line', async t => {
  const sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  t.after(() => sandbox.close())
  const { port } = new URL(sandbox.url)
  const { exit, lines } = startProgram(['--port', port])
  assert.equal(await exit, 1)
  assert.equal(lines.error, `Port ${port} of 127.0.0.1 is busy: choose another with --port\n`)
})
