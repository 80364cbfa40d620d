// `npm run demo` as a reader of the README types it, and its ports.

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { UsageError } from '../../sandbox/command-line.ts'
import { demoUsage, parseDemoCommandLine } from '../../sandbox/demo-command-line.ts'
import { findFreePort } from '../../sandbox/free-port.ts'
import { claimPort } from '../../sandbox/port-claim.ts'
import { makeTestFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'

const run = promisify(execFile)

test('ports come from the command line, then the environment, then the defaults', () => {
  assert.deepEqual(parseDemoCommandLine([], {}), { app: 5000, sandbox: 5001 })
  const env = { PORT: '6000', SANDBOX_PORT: '6001' }
  assert.deepEqual(parseDemoCommandLine([], env), { app: 6000, sandbox: 6001 })
  assert.deepEqual(parseDemoCommandLine(['--port', '7000'], env), { app: 7000, sandbox: 6001 })
  assert.equal(parseDemoCommandLine(['--help'], env), undefined)
  for (const args of [
    ['--port', 'x'],
    ['--port', '0'],
    ['--port', '65536'],
    ['--pot', '1'],
    ['a'],
  ]) {
    assert.throws(() => parseDemoCommandLine(args, {}), UsageError)
  }
})

test('a port is busy whichever of the addresses of this machine somebody listens at', async t => {
  for (const host of ['127.0.0.1', '::1', '0.0.0.0', 'localhost']) {
    const server = await listen(t, host)
    const { port } = server.address() as { port: number }
    const free = await findFreePort(port)
    assert.ok(free > port, `${host}: ${free}`)
    assert.ok((await findFreePort(port, [free])) > free)
  }
})

test('a port that another process is about to listen at is left to it, until it gives it up or ends', async t => {
  const from = await findPort()
  const first = await claimPort(from)
  const second = await claimPort(from)
  t.after(() => [first, second].map(claim => claim.release()))
  assert.ok(second.port > first.port)
  first.release()
  const third = await claimPort(first.port)
  t.after(() => third.release())
  assert.equal(third.port, first.port)
  const dead = spawn(process.execPath, ['--eval', ''])
  await once(dead, 'exit')
  writeFileSync(join(tmpdir(), `fhirstorm-port-${third.port}`), `${dead.pid}`)
  const fourth = await claimPort(third.port)
  t.after(() => fourth.release())
  assert.equal(fourth.port, third.port)
})

test('--help answers at once, and a wrong option in one line', async () => {
  assert.deepEqual(await runDemo(['--help']), { status: 0, output: demoUsage })
  const { status, output } = await runDemo(['--port', 'x'])
  assert.deepEqual([status, output], [1, '--port x is no port; --help says what can be chosen\n'])
})

test('a busy port is told first, and the next free one serves the demo', async t => {
  const busy = await listen(t, '127.0.0.1')
  const { port } = busy.address() as { port: number }
  const sandboxPort = await findPort()
  const args = ['--port', `${port}`, '--sandbox-port', `${sandboxPort}`]
  const child = start(args)
  t.after(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  })
  let output = ''
  for await (const chunk of child.stdout ?? []) {
    output += chunk
    if (output.includes('Ctrl-C')) break
  }
  const [, taken] = /^Port \d+ is busy: (\d+) is taken instead\.\n/.exec(output) ?? []
  assert.ok(taken, output)
  const page = await fetch(`http://localhost:${taken}/`)
  assert.match(await page.text(), /begin\.js/)
  const client = await fetch(`http://localhost:${taken}/client/index.js`)
  assert.match(client.headers.get('content-type') ?? '', /javascript/)
  await everyLaunchBegins(`http://127.0.0.1:${sandboxPort}`)
  await pasteTwice(t, /(?<=another terminal:\n\n)(?: {4}.*\n)+/.exec(output)?.[0] ?? '')
})

/** Whether the lines that the demo prints read the record of Amy Shaw, the second time as well. */
async function pasteTwice(t: TestContext, lines: string): Promise<void> {
  const cwd = makeTestFolder(t)
  for (const time of ['first', 'second']) {
    const { stdout } = await run('bash', ['-euc', lines], { cwd })
    assert.match(stdout, /"resourceType":"Patient","id":"amy-shaw"/, time)
  }
}

/** Whether the demo takes each launch that the start page of its sandbox has a button for, in a frame too. */
async function everyLaunchBegins(sandbox: string): Promise<void> {
  const html = await (await fetch(`${sandbox}/`)).text()
  const buttons = [...html.matchAll(/href="(\/(?:launch-app|chart)\?patient=amy-shaw[^"]*)/g)]
  assert.equal(buttons.length, 3)
  for (const [, button = ''] of buttons) {
    const address = button.replaceAll('&amp;', '&').replace('/chart', '/launch-app')
    const launch = await fetch(`${sandbox}${address}`, { redirect: 'manual' })
    const begun = await fetch(launch.headers.get('location') ?? '', { redirect: 'manual' })
    assert.match(begun.headers.get('location') ?? '', /oauth\/authorize\?/, button)
  }
}

function start(args: readonly string[]): ChildProcess {
  const flags = ['--disable-warning=ExperimentalWarning', 'sandbox/demo.ts']
  return spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function runDemo(args: readonly string[]): Promise<{ status: number; output: string }> {
  const child = start(args)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', chunk => {
      output += chunk
    })
  }
  const [status] = await once(child, 'close')
  return { status, output }
}

async function listen(t: { after(done: () => void): void }, host: string): Promise<Server> {
  const server = createServer()
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => server.close())
  return server
}
