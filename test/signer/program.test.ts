// A program that signs: run without a shell, with nothing of our environment but what it is given; one that is late,
// writes too much or dies is refused, and nothing of it stays.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { signByProgram } from '../../src/signer/program.ts'
import { createSigner } from '../../src/signer/signer.ts'
import { writeProgram } from './signers.ts'

const PATH = process.env.PATH
const key = { kid: 'one', alg: 'ES384' } as const
const refused = (detail: string | RegExp) => (error: { code: string; detail: string }) => {
  assert.equal(error.code, 'signer_unavailable')
  if (typeof detail === 'string') assert.equal(error.detail, detail)
  else assert.match(error.detail, detail)
  return true
}
const ask = (command: readonly string[], input = Buffer.from('to sign'), deadlineMs = 60_000) =>
  createSigner(signByProgram({ command, env: { PATH } }), { deadlineMs })(input, key)

test('[SG1] it reads what to sign, knows the key, and sees nothing else of ours', async t => {
  process.env.FHIRSTORM_TEST_SECRET = 'canary'
  t.after(() => delete process.env.FHIRSTORM_TEST_SECRET)
  const { path } = writeProgram(t, 'printf "%s %s " "$FHIRSTORM_KID" "$FHIRSTORM_ALG"; cat; env')
  const answer = Buffer.from(await ask([path])).toString()
  assert.ok(answer.startsWith('one ES384 to sign'))
  assert.ok(!answer.includes('canary') && answer.includes('PATH='))
})

test('[SG1] its arguments are arguments, whatever stands in them', async t => {
  const { path, folder } = writeProgram(t, 'cat >/dev/null; printf "%s|" "$@"')
  const args = ['$(touch made)', '; touch made', '`touch made`', '', 'a b']
  const answer = Buffer.from(await ask([path, ...args])).toString()
  assert.equal(answer, args.map(arg => `${arg}|`).join(''))
  assert.ok(!existsSync('made') && !existsSync(join(folder, 'made')))
})

test('[SG1] what is not there, fails, or dies is refused with how it ended', async t => {
  await assert.rejects(ask(['/nowhere/sign']), refused('the signer cannot be run'))
  await assert.rejects(ask([resolve('package.json')]), refused('the signer cannot be run'))
  const failing = writeProgram(t, 'echo the pin is 1234; echo and more >&2; exit 3')
  await assert.rejects(ask([failing.path]), refused('the signer ended with status 3'))
  const dying = writeProgram(t, 'kill -9 $$')
  await assert.rejects(ask([dying.path]), refused('the signer ended with SIGKILL'))
})

test('[SG1] one that does not read what it is to sign harms nobody', async t => {
  const { path } = writeProgram(t, 'echo done')
  const answer = await ask([path], Buffer.alloc(1_000_000, 1))
  assert.equal(Buffer.from(answer).toString(), 'done\n')
})

test('[SG1] one that writes without end is ended, and so is one that is late, with all it has started', async t => {
  const endless = writeProgram(t, 'yes')
  await assert.rejects(ask([endless.path]), refused('the signer answered with too much'))
  const { path, folder } = writeProgram(
    t,
    'sleep 600 & echo $! > "$0.child"; echo $$ > "$0.self"; wait',
  )
  await assert.rejects(
    ask([path], Buffer.from('x'), 2_000),
    refused('the signer did not answer in time'),
  )
  for (const name of ['sign.sh.child', 'sign.sh.self']) {
    const pid = Number(readFileSync(join(folder, name), 'utf8'))
    for (let tries = 0; isRunning(pid); tries++) {
      assert.ok(tries < 200, `${name} runs`)
      await pause(50)
    }
  }
})

/** Zombies that nobody has waited for do not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
