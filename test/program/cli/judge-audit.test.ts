// What check says of the audit sink: files, chains as a start would find them, and where a server lies.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { judgeAudit } from '../../../program/cli/judge-audit.ts'
import type { AuditConfig } from '../../../program/config/audit.ts'
import { openFileSink } from '../../../src/audit/file-sink.ts'
import { makeKeyRing } from '../../../src/keys.ts'
import { judge, ring, seal } from '../../audit/sealing.ts'
import { makeTestFolder } from '../../world/folder.ts'

const common = { failClosed: false, searchParameters: 'hash', rotateBytes: 100_000 } as const

async function told(audit: AuditConfig | undefined, keyRing = ring): Promise<string[]> {
  const findings = await judgeAudit({ audit, keyRing })
  return findings.map(({ kind, setting, message }) => `${kind}: ${setting}: ${message}`)
}

test('[ST4] check tells audit files that a start could not go on with, and makes none', async t => {
  const folder = makeTestFolder(t)
  const path = join(folder, 'audit.ndjson')
  const audit: AuditConfig = { sink: 'file', ...common, path }
  assert.deepEqual(await told(undefined), [])
  assert.deepEqual(await told({ sink: 'stdout', failClosed: false, searchParameters: 'drop' }), [])
  assert.deepEqual(await told(audit), [])
  assert.deepEqual(readdirSync(folder), [])
  assert.match(
    String(await told({ ...audit, path: folder })),
    /^fault: audit\.path: .* is no file$/,
  )
  const sink = await openFileSink({ path, rotateBytes: 1e6, seal, judge })
  for (let id = 0; id < 20; id++) {
    await sink.record(JSON.stringify({ id }))
    // A service that writes is none of a fault.
    if (id % 5 === 0) assert.deepEqual(await told(audit), [])
  }
  await sink.close()
  const below = { ...audit, path: join(path, 'audit.ndjson') }
  assert.match(String(await told(below)), /^fault: audit\.path: .* cannot be made/)
  const broken = /^fault: audit\.path: .*audit\.ndjson is broken, or sealed with another key: /
  assert.match(String(await told(audit, makeKeyRing(1))), broken)
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replace('"id":3', '"id":7'))
  assert.match(String(await told(audit)), broken)
  writeFileSync(path, `${text}{"torn`)
  assert.deepEqual(await told(audit), [])
  assert.equal(readFileSync(path, 'utf8'), `${text}{"torn`)
})

test('[ST4] check tells a server for audit events that no connection may be made to', async t => {
  const path = join(makeTestFolder(t), 'audit.ndjson')
  const server = (url: string, reach: 'public' | 'private' = 'public') =>
    told({
      ...{ sink: 'fhir', ...common, path, url, method: 'PUT', keep: 1, queueBytes: 1e9 },
      network: { reach },
    })
  assert.deepEqual(await server('https://audit.example.org/fhir'), [])
  assert.deepEqual(await server('http://127.0.0.1:8080/fhir'), [])
  assert.match(
    String(await server('https://10.0.0.7/fhir')),
    /^fault: audit\.url: .*network: private/,
  )
  assert.deepEqual(await server('https://10.0.0.7/fhir', 'private'), [])
  assert.match(
    String(await server('https://169.254.169.254/fhir', 'private')),
    /^fault: audit\.url: .*metadata service$/,
  )
})
