import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listFileExposures, listServedFiles } from '../../../program/config/exposure.ts'

const document = {
  keysFile: '/run/secrets/keys',
  vault: { kind: 'redis', url: 'redis://:secret@127.0.0.1' },
  ehrs: [
    { clientAuth: { method: 'client_secret_basic', secret: 'written out' } },
    { clientAuth: { method: 'client_secret_basic', secret: `\${SECRET}` } },
    { clientAuth: { secretFile: 'secret' }, proxy: 'http://user:password@proxy.lan:3128' },
  ],
}

test('[ST2] secrets in a configuration that others can read are told, each at its place', () => {
  for (const mode of [0o600, 0o400, 0o640, 0o100600]) {
    assert.deepEqual(listFileExposures(document, mode), [])
  }
  for (const mode of [0o644, 0o604, 0o660, 0o100644]) {
    assert.deepEqual(
      listFileExposures(document, mode).map(([place]) => place?.join('.')),
      ['vault.url', 'ehrs.0.clientAuth.secret', 'ehrs.2.proxy'],
    )
    assert.deepEqual(listFileExposures({ ehrs: [{ clientAuth: { secretFile: 'x' } }] }, mode), [])
  }
  for (const mode of [0o646, 0o666, 0o777]) {
    const [[place, message] = [], ...more] = listFileExposures({}, mode)
    assert.deepEqual([place, more], [undefined, []])
    assert.match(String(message), /others can change it/)
  }
})

test('[ST3] a folder that is served holds none of our files', () => {
  const served = (root: string | undefined, more: object = {}) =>
    listServedFiles(
      { frontend: { static: root }, ...more },
      { folder: '/srv/app', name: '/srv/app/fhirstorm.yaml' },
    ).map(([place]) => place?.join('.'))
  assert.deepEqual(served(undefined), [])
  assert.deepEqual(served('./public'), [])
  assert.deepEqual(
    served('./public', { keysFile: './secrets/keys', vault: { path: 'data/v.db' } }),
    [],
  )
  assert.deepEqual(served('./public', { keysFile: '../app/public-keys' }), [])
  assert.deepEqual(served('.'), ['frontend.static'])
  assert.deepEqual(served('/'), ['frontend.static'])
  assert.deepEqual(served('./public', { keysFile: 'public/keys' }), ['keysFile'])
  assert.deepEqual(served('public', { vault: { path: '/srv/app/public/data/v.db' } }), [
    'vault.path',
  ])
  assert.deepEqual(served('../', { ehrs: [{ clientAuth: { secretFile: '/srv/s' } }] }), [
    'ehrs.0.clientAuth.secretFile',
    'frontend.static',
  ])
})
