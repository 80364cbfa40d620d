// Two of what we make at one path: found before a start, which would write into both.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listPathFaults } from '../../../program/config/path-faults.ts'
import type { SoundParts } from '../../../program/config/sound-parts.ts'

const places = (vault: string, audit: string, socket = '/run/verify.sock') =>
  listPathFaults(
    {
      ...{ ehrs: [], vault: { kind: 'sqlite', path: vault }, internal: { socket } },
      audit: { sink: 'file', path: audit },
    } as unknown as SoundParts,
    '/data',
  ).map(([place, message]) => `${place.join('.')}: ${message}`)

test('[AU3, ST4] the vault, the audit and the socket are never at one path, in whatever way it is written', () => {
  const audit = ['audit.path: the vault is there']
  for (const [vault, path] of [
    ['/data/one', 'one'],
    ['./a/../one.db', '/data/one.db'],
    ['vault.db', 'vault.db-wal'],
    ['vault.db', './vault.db-shm'],
    ['audit.1.ndjson', 'audit.ndjson'],
    ['audit.12.ndjson', 'audit.ndjson'],
    ['audit.ndjson.head', 'audit.ndjson'],
    ['audit.2.ndjson.lock', 'audit.ndjson'],
    ['audit.ndjson.400', 'audit.ndjson'],
    ['audit.1.ndjson.400', 'audit.ndjson'],
    ['audit.1', 'audit'],
    ['a.b/audit.1', 'a.b/audit'],
  ] as const) {
    assert.deepEqual(places(vault, path), audit, `${vault} ${path}`)
  }
  assert.deepEqual(places('vault.db', 'a.ndjson', './vault.db'), [
    'internal.socket: the vault is there',
  ])
  assert.deepEqual(places('vault.db', 'a.ndjson', 'a.ndjson.head'), [
    'internal.socket: the audit is there',
  ])
})

test('other files beside them are none', () => {
  for (const [vault, path] of [
    ['vault.db', 'audit.ndjson'],
    ['audit.db', 'audit.ndjson'],
    ['audit.ndjson.db', 'audit.ndjson'],
    ['audit.x.ndjson', 'audit.ndjson'],
    ['other/audit.ndjson', 'audit.ndjson'],
    ['vault.db', 'vault.db.ndjson'],
  ] as const) {
    assert.deepEqual(places(vault, path), [], `${vault} ${path}`)
  }
})
