// The key ring's file is for its owner.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { readPrivateFile } from '../../../program/cli/private-file.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'

const run = promisify(execFile)

test('[V6, D16] server keys that others can read or change are refused, in every command', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-keys-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'keys.json')
  const text = printKeyRing(makeKeyRing(0, randomBytes))
  await writeFile(file, text)
  for (const mode of [0o600, 0o400, 0o640, 0o440]) {
    await chmod(file, mode)
    assert.equal(await readPrivateFile(file), text)
  }
  for (const mode of [0o644, 0o604, 0o660, 0o602, 0o601, 0o666]) {
    await chmod(file, mode)
    await assert.rejects(readPrivateFile(file), { message: /others can read or change it/ })
  }

  await writeFile(
    join(folder, 'fhirstorm.yaml'),
    `publicUrl: https://app.example.org
keysFile: ./keys.json
ehrs:
  - { id: one, name: One, iss: 'https://ehr.example.org', clientId: app, scope: openid,
      clientAuth: { method: client_secret_basic, secret: secret } }
`,
  )
  const command = (...args: string[]) =>
    run(process.execPath, [join(import.meta.dirname, '../../../program/main.ts'), ...args], {
      cwd: folder,
    })
  await assert.rejects(command('check'), {
    code: 2,
    stderr: /fhirstorm\.yaml:2:\d+.*others can read or change it: chmod 600/,
  })
  await assert.rejects(command('keys', 'rotate', '--file', file), {
    code: 1,
    stderr: /others can read or change it: chmod 600/,
  })
  await chmod(file, 0o600)
  await command('check')
  await command('keys', 'rotate', '--file', file)
})
