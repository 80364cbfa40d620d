// Starts that would undo what is promised: each option of Node that does, however it is spelled and
// wherever it comes from, ends in status 2 and one line.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { asksForInspector, findRefusedOption } from '../../../program/cli/node-options.ts'
import { removeFolder } from '../../world/folder.ts'

const program = join(import.meta.dirname, '../../../bin/fhirstorm.js')

/** `fhirstorm start` in an empty folder, where an allowed start is refused for its configuration. */
function start(t: TestContext, words: readonly string[], env: Record<string, string> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'fhirstorm-options-'))
  t.after(() => removeFolder(cwd))
  writeFileSync(join(cwd, 'options.env'), 'NODE_OPTIONS=--insecure-http-parser\n')
  writeFileSync(join(cwd, 'options.json'), '{"nodeOptions":{"insecure-http-parser":true}}')
  const { status, stderr } = spawnSync(process.execPath, [...words, program, 'start'], {
    ...{ cwd, encoding: 'utf8', timeout: 120_000 },
    env: { ...process.env, ...env },
  })
  const lines = stderr.split('\n').filter(line => line.startsWith('fhirstorm: '))
  return { status, line: lines.join('\n') }
}

test('[T13, PS7] NODE_TLS_REJECT_UNAUTHORIZED=0 is refused', t => {
  const { status, line } = start(t, [], { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
  assert.equal(status, 2)
  assert.equal(line, 'fhirstorm: NODE_TLS_REJECT_UNAUTHORIZED=0 would hand tokens to anybody')
})

const spellings: [title: string, words: string[], env: Record<string, string>][] = [
  ['on the command line', ['--insecure-http-parser'], {}],
  ['with underscores', ['--insecure_http_parser'], {}],
  ['taken back in vain', ['--insecure-http-parser'], { NODE_OPTIONS: '--no-insecure-http-parser' }],
  ['in NODE_OPTIONS', [], { NODE_OPTIONS: '--insecure-http-parser' }],
  ['quoted in NODE_OPTIONS', [], { NODE_OPTIONS: '--no-warnings "--insecure_http-parser"' }],
  ['in a file of variables', ['--env-file=options.env'], {}],
  ['in a configuration file', ['--experimental-config-file=options.json'], {}],
]
for (const [title, words, env] of spellings) {
  test(`[PS7] the lenient HTTP parser is refused: ${title}`, t => {
    const { status, line } = start(t, words, env)
    assert.equal(status, 2)
    assert.equal(line, 'fhirstorm: --insecure-http-parser lets requests be smuggled')
  })
}

test('[PS7] what only looks like it is not refused', t => {
  for (const [name, value] of [
    ['NODE_OPTIONS', '--no-insecure-http-parser'],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '1'],
  ] as const) {
    const env = { [name]: value }
    assert.equal(start(t, [], env).line, 'fhirstorm: the configuration is faulty')
  }
})

test('[PS7, G10] options that give tokens away or take protection back are named, in any spelling', () => {
  for (const option of [
    ...['--insecure-http-parser', '--security-revert=CVE-2024-1', '--tls-min-v1.0'],
    ...['--tls-min-v1.1', '--tls-keylog=/tmp/keys', '--trace-tls', '--heapsnapshot-signal=SIGUSR2'],
    ...['--heapsnapshot-near-heap-limit=3', '--inspect=0.0.0.0', '--inspect-brk=0.0.0.0:9229'],
    ...['--inspect-port=[::]:9229', '--inspect-wait=10.0.0.1:1'],
  ]) {
    const [name = '', ...value] = option.slice(2).split('=')
    const underscored = ['--', name.replaceAll('-', '_'), ...value.map(text => `=${text}`)].join('')
    for (const spelled of [option, underscored]) {
      const fault = findRefusedOption([spelled], {})
      assert.ok(fault?.startsWith(`--${name}`), `${spelled}: ${fault}`)
      assert.equal(findRefusedOption([], { NODE_OPTIONS: `--no-warnings "${spelled}"` }), fault)
    }
  }
  assert.ok(findRefusedOption([], { NODE_DEBUG: 'undici' }))
  for (const option of [
    ...['--inspect', '--inspect=9229', '--inspect=127.0.0.1:9229', '--inspect-port=localhost:1'],
    ...['--max-semi-space-size=16', '--disable-sigusr1', '--tls-min-v1.3', '--constructor'],
  ]) {
    assert.equal(findRefusedOption([option], { NODE_OPTIONS: option }), undefined, option)
  }
})

test('[G10] a debugger was asked for when its option is there, and by no other', () => {
  for (const option of ['--inspect', '--inspect-brk=9229', '--inspect_wait']) {
    assert.ok(asksForInspector([option], {}))
    assert.ok(asksForInspector([], { NODE_OPTIONS: option }))
  }
  assert.ok(!asksForInspector(['--inspect-port=9229', '--no-warnings', 'inspect'], {}))
})
