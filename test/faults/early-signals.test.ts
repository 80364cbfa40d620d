// Signals that come before the service serves: a reload that is asked for right after the start, and an end. The
// configuration is a pipe, so that a start waits for as long as the test says.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { makeFolder } from '../world/broker.ts'
import { adopt, end } from '../world/children.ts'
import { until } from '../world/eventually.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'

const { signals } = constants
const skip = !existsSync('/proc/self/status') && 'there is no /proc here'

/** A start that waits for its configuration, and what it has printed. */
async function begin(t: TestContext, processes: number) {
  const folder = makeFolder()
  const file = join(folder, 'fhirstorm.yaml')
  execFileSync('mkfifo', ['-m', '600', file])
  const port = await findPort()
  const ehr = { id: 'general', name: 'General', iss: 'https://ehr.example/fhir', clientId: 'app' }
  const secret = randomBytes(24).toString('hex')
  const clientAuth = { method: 'client_secret_basic', secret }
  const document = {
    ...{ publicUrl: `http://localhost:${port}`, listen: { port }, processes },
    ...{ keysFile: join(folder, 'keys.json'), vault: { kind: 'sqlite', path: './vault.db' } },
    ehrs: [{ ...ehr, scope: 'launch patient/*.rs', clientAuth }],
  }
  const command = ['bin/fhirstorm.js', 'start', '--config', file]
  const child = adopt(spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] }))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk
    })
  }
  t.after(async () => {
    await end(child, 'SIGKILL')
    removeFolder(folder)
  })
  return {
    child,
    output: () => output,
    /** Resolves when the configuration has been read. */
    configure: () => writeFile(file, stringify(document)),
  }
}

/** Whether our program, and not yet Node alone, does something of its own on a signal, as Linux tells it. */
function hears({ pid }: ChildProcess, signal: keyof typeof signals): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, mask = '0'] = /^SigCgt:\s+([0-9a-f]+)$/m.exec(status) ?? []
  return ((BigInt(`0x${mask}`) >> BigInt(signals[signal] - 1)) & 1n) === 1n
}

for (const processes of [1, 2]) {
  test(`[PS8, RL1] reloads and restarts asked for while ${processes} of it start are made up for`, {
    skip,
  }, async t => {
    const { child, output, configure } = await begin(t, processes)
    await until(() => hears(child, 'SIGHUP') && hears(child, 'SIGUSR2'))
    for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGHUP'] as const) child.kill(signal)
    await configure()
    await until(() => output().includes('"msg":"listening"'))
    // The reload reads it once more.
    await configure()
    await until(() => output().includes('"msg":"reloaded"'))
    await until(() => /rolling restart/.test(output()))
    assert.equal(await end(child, 'SIGTERM'), 0)
  })
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`[PS8] ${signal} while it starts is heard, and ends it with status 0`, { skip }, async t => {
    const { child, output } = await begin(t, 1)
    await until(() => hears(child, 'SIGHUP'))
    assert.equal(await end(child, signal), 0)
    assert.equal(output(), '')
  })
}

test('[PS8, RL1] a reload that waits at a pipe keeps the service from no end', {
  skip,
}, async t => {
  const { child, output, configure } = await begin(t, 1)
  await configure()
  await until(() => output().includes('listening'))
  // Nobody writes to it any more.
  child.kill('SIGHUP')
  const ended = await end(child, 'SIGTERM')
  assert.equal(ended, 0, output())
})
