// Reading pipes as shells and agents make them, and as nobody writes to them.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openPatiently, readPatiently } from '../../../program/cli/patient-reading.ts'
import { adopt } from '../../world/children.ts'
import { makeFifo, makeTestFolder } from '../../world/folder.ts'

async function read(t: TestContext, path: string): Promise<string> {
  const file = await openPatiently(path)
  t.after(() => file.close())
  return await readPatiently(file)
}

test('[ST4] a pipe is read to its end, whenever its writer comes and however much it has', async t => {
  const text = 'ä'.repeat(300_000)
  const late = makeFifo(t)
  const reading = read(t, late)
  await writeFile(late, text)
  assert.equal(await reading, text)

  const slow = makeFifo(t)
  const writer = adopt(spawn('sh', ['-c', `(printf a; sleep 0.2; printf b) > ${slow}`]))
  assert.equal(await read(t, slow), 'ab')
  writer.kill()

  const plain = join(makeTestFolder(t), 'file')
  writeFileSync(plain, text)
  assert.equal(await read(t, plain), text)
  writeFileSync(plain, '')
  assert.equal(await read(t, plain), '')
})

test('[PS8] a pipe that nobody writes to, or that gives too much, is refused', async t => {
  const nobody = makeFifo(t)
  const endless = makeFifo(t)
  const writer = adopt(spawn('sh', ['-c', `exec cat /dev/zero > ${endless}`], { stdio: 'ignore' }))
  t.after(() => writer.kill('SIGKILL'))
  const outcomes = await Promise.allSettled([read(t, nobody), read(t, endless)])
  assert.deepEqual(
    outcomes.map(outcome => outcome.status === 'rejected' && outcome.reason.message),
    ['nobody writes to the pipe', 'the pipe gives too much'],
  )
})
