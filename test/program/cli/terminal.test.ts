// Commands whose output cannot be written: one line, a status, and no stack.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'

const run = (words: string) =>
  spawnSync(
    'bash',
    ['-c', words.replaceAll('fhirstorm', `"${process.execPath}" bin/fhirstorm.js`)],
    {
      encoding: 'utf8',
      timeout: 120_000,
    },
  )

test('[PS4] a command says so when its output cannot be written', {
  skip: !existsSync('/dev/full') && 'there is no /dev/full here',
}, () => {
  const { status, stderr } = run('fhirstorm schema > /dev/full')
  assert.equal(status, 1)
  assert.match(
    stderr,
    /^fhirstorm: write failed \(ENOSPC\) at program\/cli\/terminal\.ts:\d+ writeWhole\n$/,
  )
  assert.equal(run('fhirstorm schema > /dev/full 2> /dev/full').status, 1)
  assert.equal(run('fhirstorm nonsense 2> /dev/full').status, 2)
})

test('[PS4] a command whose reader has left ends without a stack', () => {
  const { stdout, stderr } = run('set -o pipefail; fhirstorm schema | true; echo $?')
  assert.match(stdout, /^[01]\n$/)
  assert.doesNotMatch(stderr, /^\s+at /m)
})

test('[PS2] a command that fails tells it in one line, by names and places', () => {
  for (const [words, line, status] of [
    [
      'fhirstorm start --nonsense',
      /^fhirstorm start: there is no such option \(fhirstorm start --help\)\n$/,
      2,
    ],
    ['fhirstorm check --config /nowhere', /^fhirstorm: the configuration is faulty\n.*\n$/, 2],
  ] as const) {
    const { status: ended, stderr } = run(words)
    assert.equal(ended, status)
    assert.match(stderr, line)
    assert.doesNotMatch(stderr, /^\s+at |node:internal/m)
  }
})
