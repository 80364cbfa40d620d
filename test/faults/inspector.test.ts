// SIGUSR1 opens no debugger, however the product is started and however early the signal comes.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { constants } from 'node:os'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createBroker } from '../world/broker.ts'
import { findPort } from '../world/port.ts'
import { startProcessWorld } from '../world/process-world.ts'

const SIGUSR1 = constants.signals.SIGUSR1

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  const open = await promise
  socket.destroy()
  return open
}

async function startBroker(t: TestContext, program: string, options: string[]) {
  const port = await findPort()
  const env = { NODE_OPTIONS: [`--inspect-port=${port}`, ...options].join(' ') }
  const { broker, close } = await startProcessWorld({ program, env })
  t.after(close)
  return { broker, port }
}

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: { start: string }
}
const ways: [title: string, program: string, options: string[]][] = [
  ['the command', 'bin/fhirstorm.js', []],
  ['the program below it', 'program/main.ts', []],
]
for (const [title, program, options] of ways) {
  test(`[G10] SIGUSR1 opens nothing in a process that serves: ${title}`, async t => {
    const { broker, port } = await startBroker(t, program, options)
    for (let i = 0; i < 3; i++) {
      process.kill(broker.pid(), 'SIGUSR1')
      assert.equal((await fetch(`${broker.app}/readyz`)).status, 200)
      assert.equal(await isOpen(port), false)
    }
    assert.doesNotMatch(broker.output.join(''), /Debugger/)
    assert.equal(await broker.stop(), 0)
  })
}

test('[G10] SIGUSR1 that comes while Node starts leaves nothing open', {
  skip: !existsSync('/proc/self/status') && 'there is no /proc here',
}, async t => {
  const app = `http://localhost:${await findPort()}`
  const port = await findPort()
  const env = { NODE_OPTIONS: `--inspect-port=${port}` }
  const broker = createBroker({ app, sandbox: 'http://127.0.0.1:1', env })
  t.after(() => broker.close())
  const started = broker.start()
  let isReady = false
  started.finally(() => {
    isReady = true
  })
  let signals = 0
  while (!isReady) {
    if (hears(broker.pid(), SIGUSR1)) {
      process.kill(broker.pid(), 'SIGUSR1')
      signals++
    }
    await wait(1)
  }
  await started
  assert.ok(signals > 1)
  assert.equal(await isOpen(port), false)
  assert.equal(await broker.stop(), 0)
})

/** Whether a process does something of its own on a signal, as Linux tells it. */
function hears(pid: number, signal: number): boolean {
  try {
    const [, mask = '0'] =
      /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n
  } catch {
    return false
  }
}

test('[G10] a debugger that was asked for is told of in the log', async t => {
  const { broker, port } = await startBroker(t, 'bin/fhirstorm.js', ['--inspect'])
  assert.ok(await isOpen(port))
  assert.equal(await broker.stop(), 0)
  assert.match(broker.output.join(''), /"msg":"a debugger is open, and reads every token"/)
})

test('[G10] npm start switches the signal off in Node itself', () => {
  assert.match(scripts.start, / --disable-sigusr1 /)
})
