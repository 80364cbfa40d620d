// `npm run demo` as a reader of the README types it, and its ports.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { test } from 'node:test'
import { UsageError } from '../../sandbox/command-line.ts'
import { demoUsage, parseDemoCommandLine } from '../../sandbox/demo-command-line.ts'
import { findFreePort } from '../../sandbox/free-port.ts'
import { findPort } from '../world/port.ts'

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

test('--help answers at once, and a wrong option in one line', async () => {
  assert.deepEqual(await runDemo(['--help']), { status: 0, output: demoUsage })
  const { status, output } = await runDemo(['--port', 'x'])
  assert.deepEqual([status, output], [1, 'x is no port; --help says what can be chosen\n'])
})

test('a busy port is told first, and the next free one serves the demo', async t => {
  const busy = await listen(t, '127.0.0.1')
  const { port } = busy.address() as { port: number }
  const args = ['--port', `${port}`, '--sandbox-port', `${await findPort()}`]
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
})

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
