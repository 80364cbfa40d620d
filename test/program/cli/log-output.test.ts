// The log's output alone, in a program that does nothing else: its end waits for no reader.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { test } from 'node:test'
import { adopt, end } from '../../world/children.ts'
import { makeFifo } from '../../world/folder.ts'

/** Writes far more than any pipe holds, and ends as it is told. */
const program = (ending: string) => `
  const { openLogOutput } = await import('./program/cli/log-output.ts')
  const log = openLogOutput(() => {})
  for (let i = 0; i < 20_000; i++) log.write(JSON.stringify({ i, text: 'x'.repeat(50) }) + '\\n')
  await new Promise(done => setTimeout(done, 500))
  ${ending}`
const endings = {
  'in order': 'await log.end(); process.exit(7)',
  'by process.exit': 'process.exit(7)',
  'when nothing is left to do': 'process.exitCode = 7',
}

function start(ending: string, stdout: number | 'pipe'): ChildProcess {
  const words = ['--input-type=module', '--eval', program(ending)]
  return adopt(spawn(process.execPath, words, { stdio: ['ignore', stdout, 'inherit'] }))
}

for (const [name, ending] of Object.entries(endings)) {
  test(`[PS5] a process whose log nobody reads ends ${name}: a pipe, and a socket`, async t => {
    const fifo = makeFifo(t)
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const writer = openSync(fifo, constants.O_WRONLY)
    t.after(() => [reader, writer].map(closeSync))
    for (const stdout of [writer, 'pipe'] as const) {
      const child = start(ending, stdout)
      child.stdout?.pause()
      assert.equal(await end(child), 7)
    }
  })

  test(`[PS5] what is read is whole and in order when a process ends ${name}`, async () => {
    const child = start(ending, 'pipe')
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', piece => {
      text += piece
    })
    const closed = new Promise(done => child.once('close', done))
    assert.equal(await end(child), 7)
    await closed
    const lines = text.trim().split('\n')
    assert.deepEqual(
      lines.map(line => JSON.parse(line).i),
      Array.from({ length: 20_000 }, (_, i) => i),
    )
  })
}
