// A log that cannot be written, with real processes: a device that is always full, a disk that fills and
// has room again, a reader that is gone, one that does not read. Lines are lost and counted; every
// request is answered, and SIGTERM ends the process with status 0.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { logIn } from '../flow/login.ts'
import type { Broker } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { eventually } from '../world/eventually.ts'
import { makeFifo, makeTestFolder } from '../world/folder.ts'
import { startProcessWorld } from '../world/process-world.ts'

interface Place {
  broker: Broker
  /** A login, a read, and as many requests more. */
  work(requests?: number): Promise<void>
  /** Log lines dropped so far. */
  dropped(): Promise<number>
}

async function start(t: TestContext, through: readonly string[] = []): Promise<Place> {
  const { app, admin, sandbox, broker, close } = await startProcessWorld({
    through,
    configure(document) {
      document.log = { level: 'info' }
    },
  })
  t.after(close)
  return {
    broker,
    async work(requests = 10) {
      const browser = createBrowser()
      const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
      assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 200)
      for (let i = 0; i < requests; i++) {
        assert.equal((await fetch(`${app}/readyz`)).status, 200)
      }
    },
    async dropped() {
      const text = await (await fetch(`${admin}/metrics`)).text()
      return Number(/^fhirstorm_log_lines_dropped_total (\d+)$/m.exec(text)?.[1])
    },
  }
}

/** Words that start the rest of their line with its standard output elsewhere. */
const into = (path: string) => ['sh', '-c', 'exec "$@" >> "$0"', path]

const hasFullDevice = existsSync('/dev/full')

test('[PS4] on a full device every request is answered, lines are counted, and SIGTERM ends it', {
  skip: !hasFullDevice && 'there is no /dev/full here',
}, async t => {
  const { broker, work, dropped } = await start(t, into('/dev/full'))
  await work()
  assert.ok(await eventually(async () => (await dropped()) > 10))
  await work()
  assert.equal(await broker.stop(), 0)
})

const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0

test('[PS4] a disk that fills costs lines, and the log goes on where there is room again', {
  skip: !canMount && 'no mount namespaces here',
}, async t => {
  const folder = makeTestFolder(t)
  const mount = 'mount -t tmpfs -o size=32k none "$0" && exec "$@" >> "$0/log"'
  const place = await start(t, ['unshare', '-rm', 'sh', '-c', mount, folder])
  const { broker, work, dropped } = place
  const file = `/proc/${broker.pid()}/root${folder}/log`
  for (let round = 0; round < 20 && (await dropped()) === 0; round++) await work(50)
  const lost = await dropped()
  assert.ok(lost > 0)
  truncateSync(file)
  await work()
  const told = /"lines":\d+,"msg":"log lines were dropped"/
  assert.ok(await eventually(() => told.test(readFileSync(file, 'utf8'))))
  await work()
  const text = readFileSync(file, 'utf8').replaceAll('\0', '')
  // At most the line that was cut by the full disk is not whole.
  const broken = text.split('\n').filter(line => line !== '' && !isJson(line))
  assert.ok(broken.length <= 1, broken.join('\n'))
  assert.equal(await broker.stop(), 0)
})

test('[PS4] a limit on the size of files costs lines, and does not end the process', async t => {
  const file = join(makeTestFolder(t), 'log')
  const { broker, work, dropped } = await start(t, into(file))
  const limit = (bytes: string) => {
    const { status } = spawnSync('prlimit', [`--pid=${broker.pid()}`, `--fsize=${bytes}:unlimited`])
    assert.equal(status, 0)
  }
  limit('1')
  for (let i = 0; i < 20; i++) assert.equal((await fetch(`${broker.app}/healthz`)).status, 200)
  assert.ok(await eventually(async () => (await dropped()) > 0))
  limit('unlimited')
  await work()
  assert.equal(await broker.stop(), 0)
  assert.match(readFileSync(file, 'utf8'), /log lines were dropped/)
})

test('[PS4] a reader that is gone costs lines: a pipe, and a socket', async t => {
  const fifo = makeFifo(t)
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  const piped = await start(t, into(fifo))
  closeSync(reader)
  const socketed = await start(t)
  socketed.broker.process().stdout?.destroy()
  for (const { broker, work, dropped } of [piped, socketed]) {
    await work()
    assert.ok(await eventually(async () => (await dropped()) > 10))
    assert.equal(await broker.stop(), 0)
  }
})

test('[PS5] a reader that does not read stops no request and no ending: a pipe, and a socket', async t => {
  const fifo = makeFifo(t)
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const piped = await start(t, into(fifo))
  const socketed = await start(t)
  socketed.broker.process().stdout?.pause()
  for (const { broker, work } of [piped, socketed]) {
    // More than any pipe or socket holds.
    await work(0)
    await flood(broker.app, 3_000)
    await work()
    assert.equal(await broker.stop(), 0)
  }
})

test('[PS5] what waited for a slow reader is read whole and in order', async t => {
  const fifo = makeFifo(t)
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const { broker, dropped } = await start(t, into(fifo))
  await flood(broker.app, 1_500)
  let text = ''
  const piece = Buffer.alloc(64 * 1024)
  const read = () => {
    try {
      text += piece.toString('utf8', 0, readSync(reader, piece))
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN') throw error
    }
  }
  assert.ok(
    await eventually(() => {
      read()
      return (text.match(/"route":"\/healthz"/g) ?? []).length === 1_500
    }),
  )
  assert.equal(await dropped(), 0)
  assert.ok(text.trim().split('\n').every(isJson))
  const stopped = broker.stop()
  assert.ok(
    await eventually(() => {
      read()
      return text.includes('"msg":"draining"')
    }),
  )
  assert.equal(await stopped, 0)
})

async function flood(app: string, requests: number): Promise<void> {
  for (let sent = 0; sent < requests; sent += 50) {
    const answers = Array.from({ length: 50 }, () => fetch(`${app}/healthz`))
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200)
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
