// What is watched is held against how it was when it was read, not when somebody first looked at it.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { listReadFiles, takeSnapshot } from '../../../program/cli/configuration.ts'
import { watchFiles } from '../../../program/cli/watched-files.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { until } from '../../world/eventually.ts'
import { removeFolder } from '../../world/folder.ts'

test('[RL1] a file that changes after it was read and before anybody watches it is seen', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-watched-'))
  t.after(() => removeFolder(folder))
  const write = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 })
  await write('keys.json', printKeyRing(makeKeyRing(Date.now(), randomBytes)))
  await write('secret', randomBytes(24).toString('hex'))
  const ehr = { id: 'general', name: 'General', iss: 'https://ehr.example/fhir', clientId: 'app' }
  const clientAuth = { method: 'client_secret_basic', secretFile: 'secret' }
  const document = {
    ...{ publicUrl: 'https://app.example', keysFile: 'keys.json' },
    ehrs: [{ ...ehr, scope: 'launch patient/*.rs', clientAuth }],
  }
  await write('fhirstorm.yaml', stringify(document))
  const read = () => takeSnapshot({ config: join(folder, 'fhirstorm.yaml') })
  await read()
  assert.deepEqual([...listReadFiles().keys()].map(path => basename(path)).sort(), [
    'fhirstorm.yaml',
    'keys.json',
    'secret',
  ])

  const told: string[][] = []
  let isTwice = false
  await write('secret', `${randomBytes(24).toString('hex')}\n`)
  const stop = watchFiles(listReadFiles, async changed => {
    told.push(changed.map(path => basename(path)))
    await read()
    // Read, and changed again before the next look.
    if (!isTwice) await write('secret', randomBytes(30).toString('hex'))
    isTwice = true
  })
  t.after(stop)
  await until(() => told.length === 2)
  assert.deepEqual(told, [['secret'], ['secret']])
})
