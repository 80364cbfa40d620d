// Files that hold secrets are for their owner; what is no secret is for others to read, not to change.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { readNamedFile } from '../../../program/cli/named-file.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { removeFolder } from '../../world/folder.ts'

const run = promisify(execFile)

test('[V6, D16, ST2] server keys that others can read or change are refused, in every command', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-keys-'))
  t.after(() => removeFolder(folder))
  const file = join(folder, 'keys.json')
  const text = printKeyRing(makeKeyRing(0, randomBytes))
  await writeFile(file, text)
  for (const mode of [0o600, 0o400, 0o640, 0o440]) {
    await chmod(file, mode)
    assert.equal(await readNamedFile(file, 'secret'), text)
  }
  for (const mode of [0o644, 0o604, 0o660, 0o602, 0o601, 0o666]) {
    await chmod(file, mode)
    await assert.rejects(readNamedFile(file, 'secret'), { message: /others can read or change it/ })
  }

  for (const mode of [0o644, 0o600, 0o664, 0o444]) {
    await chmod(file, mode)
    assert.equal(await readNamedFile(file, 'public'), text)
  }
  for (const mode of [0o646, 0o666, 0o602]) {
    await chmod(file, mode)
    await assert.rejects(readNamedFile(file, 'public'), { message: /others can change it/ })
  }

  await writeFile(
    join(folder, 'fhirstorm.yaml'),
    `publicUrl: https://app.example.org
keysFile: ./keys.json
ehrs:
  - { id: one, name: One, iss: 'https://ehr.example.org', clientId: app, scope: openid,
      clientAuth: { method: client_secret_basic, secret: secret } }
`,
    { mode: 0o600 },
  )
  const command = (...args: string[]) =>
    run(process.execPath, [join(import.meta.dirname, '../../../program/main.ts'), ...args], {
      cwd: folder,
    })
  await assert.rejects(command('check'), {
    code: 2,
    stderr:
      /fhirstorm\.yaml:2:11: keysFile: \.\/keys\.json: others can read or change it: chmod 600/,
  })
  await assert.rejects(command('keys', 'rotate', '--file', file), {
    code: 1,
    stderr: /others can read or change it: chmod 600/,
  })
  await chmod(file, 0o600)
  await command('check')
  await command('keys', 'rotate', '--file', file)
})
