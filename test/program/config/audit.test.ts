// Where audit events go, as file, environment and command line say it.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { withOptions } from '../../../program/config/environment.ts'
import { loadConfig } from '../../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { configErrorOf } from './config-error.ts'

const { privateKey } = await generateKeyPair('ES384', { extractable: true })
const clientKeys = [{ ...(await exportJWK(privateKey)), kid: 'one' }]
const files: Record<string, string> = {
  'keys.json': printKeyRing({ ...makeKeyRing(0, randomBytes), clientKeys }),
  secret: 'a long and random secret',
  token: ' opaque.bearer-token\n',
  blank: ' \n',
}
const readFile = async (name: string) => {
  const text = files[name]
  if (text === undefined) throw Object.assign(new Error(), { code: 'ENOENT' })
  return text
}

const text = (audit: string) => `publicUrl: https://app.example.org
keysFile: keys.json
vault: { kind: memory }
${audit}
ehrs:
  - id: general
    name: General
    iss: https://ehr.example.org/fhir
    clientId: app
    clientAuth: { method: client_secret_basic, secretFile: secret }
    scope: launch
`

async function load(audit: string, env: Record<string, string | undefined> = {}) {
  const file = { name: 'fhirstorm.yaml', text: text(audit) }
  return (await loadConfig({ file, env, readFile })).audit
}

async function faultsOf(...given: Parameters<typeof load>): Promise<string> {
  return (await configErrorOf(load(...given))).message
}

test('events go nowhere unless told, and each sink has its defaults', async () => {
  assert.equal(await load(''), undefined)
  const events = { failClosed: false, searchParameters: 'hash' }
  assert.deepEqual(await load('audit: { sink: stdout }'), { sink: 'stdout', ...events })
  assert.deepEqual(await load('audit: { sink: file, failClosed: true }'), {
    ...{ sink: 'file', ...events, failClosed: true },
    ...{ path: './data/audit.ndjson', rotateBytes: 64 * 2 ** 20 },
  })
  const server = await load(
    'audit: { sink: fhir, url: https://audit.example.org/fhir, tokenFile: token }',
  )
  assert.ok(server?.sink === 'fhir')
  assert.deepEqual(
    [server.token, server.method, server.keep, server.queueBytes, server.network.reach],
    ['opaque.bearer-token', 'PUT', 1, 2 ** 30, 'public'],
  )
  assert.ok(!JSON.stringify(server).includes('tokenFile'))
})

test('a server is named plainly, and we prove ourselves to it in one way at most', async () => {
  const url = 'url: https://audit.example.org/fhir'
  const client = 'client: { clientId: us, tokenUrl: https://login.example.org/token }'
  const server = await load(`audit: { sink: fhir, ${url}, ${client} }`)
  assert.ok(server?.sink === 'fhir')
  assert.equal(server.client?.auth.keys[0]?.kid, 'one')
  assert.equal(server.client.scope, 'system/AuditEvent.cu')
  for (const [further, message] of [
    [`${url}, tokenFile: token, ${client}`, /:4:8: audit: give one of tokenFile and client/],
    [`${url}, tokenFile: blank`, /audit\.tokenFile: there is no bearer token/],
    [`${url}, tokenFile: nowhere`, /audit\.tokenFile: the file nowhere cannot be read \(ENOENT\)/],
    ['url: http://audit.example.org/fhir', /audit\.url: must be a plain https URL/],
    ['url: https://us:secret@audit.example.org/fhir', /audit\.url: must be a plain https URL/],
    ['tokenFile: token', /audit\.url: /],
    [`${url}, caFile: secret`, /audit\.caFile: the certificates or the key cannot be used/],
    [`${url}, proxy: https://proxy.example.org`, /audit\.proxy: the outbound proxy must be/],
    [`${url}, keepp: 3`, /audit\.keepp: there is no such setting; keep is one/],
  ] as const) {
    const faults = await faultsOf(`audit: { sink: fhir, ${further} }`)
    assert.match(faults, message)
    assert.ok(!faults.includes('secret@'), faults)
  }
  assert.match(await faultsOf('audit: { sink: paper }'), /audit\.sink: /)
})

test('a variable says the whole sink, an option before it, and an image knows the folder', async () => {
  const kept = 'audit: { sink: stdout, failClosed: true }'
  const env = { FHIRSTORM_AUDIT: '/var/audit.ndjson', FHIRSTORM_DATA_DIR: '/data' }
  const file = await load(kept, env)
  assert.deepEqual(
    [file?.sink, file && 'path' in file && file.path, file?.failClosed],
    [...['file', '/var/audit.ndjson', false]],
  )
  assert.equal((await load(kept, withOptions(env, { audit: 'stdout' })))?.sink, 'stdout')
  const server = await load('', {
    ...{ ...env, FHIRSTORM_AUDIT: 'https://audit.example.org/fhir' },
    ...{ FHIRSTORM_AUDIT_TOKEN_FILE: 'token', FHIRSTORM_AUDIT_FAIL_CLOSED: 'true' },
  })
  assert.ok(server?.sink === 'fhir')
  assert.deepEqual(
    [server.path, server.token, server.failClosed],
    ['/data/audit.ndjson', 'opaque.bearer-token', true],
  )
  assert.equal(await load('', { FHIRSTORM_DATA_DIR: '/data' }), undefined)
  assert.equal((await load(kept, { FHIRSTORM_DATA_DIR: '/data' }))?.sink, 'stdout')
  assert.match(
    await faultsOf('', { ...env, FHIRSTORM_AUDIT_FAIL_CLOSED: 'yes' }),
    /^FHIRSTORM_AUDIT_FAIL_CLOSED: audit\.failClosed: /,
  )
})

test('an audit file is not served', async () => {
  const served = 'audit: { sink: file, path: www/audit.ndjson }\nfrontend: { static: www }'
  assert.match(await faultsOf(served), /audit\.path: lies in frontend\.static/)
})

test('[AU5] lines that pass through another process are no record to wait for', async () => {
  const several = (audit: string, processes: number | string = 2) => {
    const file = {
      name: 'fhirstorm.yaml',
      text: text(`processes: ${processes}\naudit: ${audit}`).replace(
        '{ kind: memory }',
        '{ kind: sqlite, path: vault.db }',
      ),
    }
    return loadConfig({ file, env: {}, readFile })
  }
  for (const processes of [2, 'auto']) {
    await assert.rejects(several('{ sink: stdout, failClosed: true }', processes), {
      message: /^fhirstorm\.yaml:\d+:\d+: audit\.failClosed: lines of several processes/,
    })
  }
  await several('{ sink: stdout, failClosed: true }', 1)
  await several('{ sink: stdout }')
  await several('{ sink: file, failClosed: true }')
})
