// Starts that are refused, as an operator meets them: real files with real modes. Each fault is one
// sentence with its file, line, column and setting, and `check` says the same as `start`.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { judgeConfiguration } from '../../../program/cli/configuration.ts'
import { ConfigError } from '../../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { createAuthority } from '../../network/certificates.ts'
import { removeFolder } from '../../world/folder.ts'

const program = join(import.meta.dirname, '../../../bin/fhirstorm.js')
const goodRing = makeKeyRing(0, randomBytes)
const goodToken = randomBytes(24).toString('base64')

interface Files {
  /** Lines before `ehrs`. */
  head?: string
  /** Lines of the one EHR besides the usual. */
  ehr?: string
  configMode?: number
  /** Replaces the first three lines. */
  top?: string
  /** Name to text and mode. */
  more?: Record<string, readonly [text: string, mode: number]>
}

const TOP = `publicUrl: https://app.example.org
listen: { port: 0 }
keysFile: keys.json`
const EHR = '    clientAuth: { method: client_secret_basic, secretFile: secret }'

async function lay(t: TestContext, files: Files) {
  const { top = TOP, head = '', ehr = EHR, configMode = 0o600, more = {} } = files
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-starts-'))
  t.after(() => removeFolder(folder))
  const texts = {
    'keys.json': [printKeyRing(goodRing), 0o600],
    secret: ['a long and random secret', 0o600],
    'fhirstorm.yaml': [
      `${top}
${head}
ehrs:
  - id: one
    name: One
    iss: https://ehr.example.org/fhir
    clientId: app
    scope: launch patient/*.rs
${ehr}
`,
      configMode,
    ],
    ...more,
  } as const
  for (const [name, [text, mode]] of Object.entries(texts)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
    await chmod(join(folder, name), mode)
  }
  return folder
}

async function run(folder: string, command: string) {
  return await new Promise<{ status: unknown; error: string }>(done => {
    execFile(process.execPath, [program, command], { cwd: folder }, (failed, _out, error) =>
      done({ status: failed ? failed.code : 0, error }),
    )
  })
}

const ring = (secret: Buffer) =>
  printKeyRing({ ...goodRing, keys: [{ ...goodRing.keys[0], secret }] })
const pair = createAuthority().issue('IP:127.0.0.1')
const exposed = 'others can read or change it: chmod 600'

const refusals: readonly (readonly [id: string, what: string, files: Files, expected: string])[] = [
  [
    'ST1',
    'a server key of 32 equal bytes',
    { more: { 'keys.json': [ring(Buffer.alloc(32, 65)), 0o600] } },
    '3:11: keysFile: key 1 of the ring is no random key (it repeats itself): fhirstorm keys make',
  ],
  [
    'ST2',
    'a key ring that others can read',
    { more: { 'keys.json': [printKeyRing(goodRing), 0o644] } },
    `3:11: keysFile: keys.json: ${exposed}`,
  ],
  [
    'AD4',
    'two halves of the world as trusted proxies',
    { head: 'trustedProxies: [0.0.0.0/1, 128.0.0.0/1]' },
    '4:17: trustedProxies: together these are a good part of all addresses: name the proxies',
  ],
  [
    'AD4',
    'the world as a trusted proxy',
    { head: 'trustedProxies: [0.0.0.0/0]' },
    '4:17: trustedProxies: together these are a good part of all addresses: name the proxies',
  ],
  [
    'V14',
    'a Redis elsewhere without a password',
    { head: 'vault: { kind: redis, url: rediss://redis.example.org }' },
    '4:28: vault.url: beyond this machine Redis needs a password in the URL',
  ],
  [
    'V14',
    'a Redis elsewhere without TLS, by a file',
    {
      head: 'vault: { kind: redis, urlFile: redis }',
      more: { redis: ['redis://:password@redis.example.org', 0o600] },
    },
    '4:32: vault.urlFile: beyond this machine Redis needs TLS: rediss:// (or unencrypted: true on a network that nobody else is on)',
  ],
  [
    'ST2',
    'the address of a Redis that others can read',
    {
      head: 'vault: { kind: redis, urlFile: redis }',
      more: { redis: ['redis://127.0.0.1', 0o644] },
    },
    `4:32: vault.urlFile: redis: ${exposed}`,
  ],
  [
    'ST1',
    'an admin token of one character',
    { head: 'admin: { host: 0.0.0.0, port: 0, tokenFile: token }', more: { token: ['x', 0o600] } },
    '4:45: admin.tokenFile: the token can be guessed (it has fewer than 24 characters): openssl rand -base64 32',
  ],
  [
    'ST2',
    'an admin token that others can read',
    {
      head: 'admin: { host: 0.0.0.0, port: 0, tokenFile: token }',
      more: { token: [goodToken, 0o604] },
    },
    `4:45: admin.tokenFile: token: ${exposed}`,
  ],
  [
    'ST2',
    'a client secret that others can read',
    { more: { secret: ['a long and random secret', 0o644] } },
    `11:60: ehrs[0].clientAuth.secretFile: secret: ${exposed}`,
  ],
  [
    'ST2',
    'a client secret in a configuration that others can read',
    {
      ehr: '    clientAuth: { method: client_secret_basic, secret: a long and random secret }',
      configMode: 0o644,
    },
    '11:56: ehrs[0].clientAuth.secret: a secret in a configuration that others can read: chmod 600, or a file of its own',
  ],
  [
    'ST2',
    'a client key that others can read',
    {
      ehr: '    clientAuth: { method: private_key_jwt, keyFile: key.pem }',
      more: { 'key.pem': [pair.key, 0o644] },
    },
    `11:53: ehrs[0].clientAuth.keyFile: key.pem: ${exposed}`,
  ],
  [
    'ST2',
    "a client certificate's key that its group can change",
    {
      ehr: `${EHR}
    clientCertificate: { certFile: cert.pem, keyFile: key.pem }`,
      more: { 'cert.pem': [pair.cert, 0o644], 'key.pem': [pair.key, 0o660] },
    },
    `12:55: ehrs[0].clientCertificate.keyFile: key.pem: ${exposed}`,
  ],
  [
    'ST2',
    'the key of our own certificate that others can read',
    {
      top: TOP.replace('port: 0', 'port: 0, tls: { certFile: cert.pem, keyFile: key.pem }'),
      more: { 'cert.pem': [pair.cert, 0o644], 'key.pem': [pair.key, 0o644] },
    },
    `2:56: listen.tls.keyFile: key.pem: ${exposed}`,
  ],
  [
    'ST2',
    'a CA that others can change',
    {
      ehr: `${EHR}
    caFile: ca.pem`,
      more: { 'ca.pem': [createAuthority().ca, 0o666] },
    },
    '12:13: ehrs[0].caFile: ca.pem: others can change it: chmod o-w',
  ],
  [
    'ST3',
    'a frontend that serves the key ring',
    {
      top: TOP.replace('keys.json', 'public/keys.json'),
      head: 'frontend: { static: ./public }',
      more: { 'public/keys.json': [printKeyRing(goodRing), 0o600] },
    },
    '3:11: keysFile: lies in frontend.static, which is served',
  ],
  [
    'ST3',
    'a frontend that serves its configuration',
    { head: 'frontend: { static: . }' },
    '4:21: frontend.static: serves the folder of this configuration',
  ],
]

for (const [id, what, files, expected] of refusals) {
  test(`[${id}] ${what} refuses the start, at its line`, async t => {
    const file = join(await lay(t, files), 'fhirstorm.yaml')
    const error = await judgeConfiguration({ config: file }).catch(reason => reason)
    assert.ok(error instanceof ConfigError, 'the configuration was accepted')
    assert.ok(error.message.split('\n').includes(`${file}:${expected}`), error.message)
  })
}

test('[ST2] a configuration that others can change refuses the start', async t => {
  const file = join(await lay(t, { configMode: 0o646 }), 'fhirstorm.yaml')
  await assert.rejects(judgeConfiguration({ config: file }), {
    message: `${file}: others can change it: chmod o-w`,
  })
})

test('[ST1, ST2, AD4] start and check say all of it, by status 2', async t => {
  const folder = await lay(t, {
    head: 'trustedProxies: ["::/1", "8000::/1"]\nadmin: { host: 0.0.0.0, port: 0, tokenFile: token }',
    more: {
      'keys.json': [ring(Buffer.alloc(32, 65)), 0o600],
      token: ['x', 0o600],
      secret: ['a long and random secret', 0o644],
    },
  })
  const [checked, started] = await Promise.all([run(folder, 'check'), run(folder, 'start')])
  assert.deepEqual(checked, started)
  assert.equal(checked.status, 2)
  const lines = checked.error.trimEnd().split('\n')
  assert.equal(lines.shift(), 'fhirstorm: the configuration is faulty')
  assert.deepEqual(
    lines.map(line => line.replace(/^.*\/(fhirstorm\.yaml:\d+:\d+: \S+): .*$/, '$1')).sort(),
    [
      'fhirstorm.yaml:12:60: ehrs[0].clientAuth.secretFile',
      'fhirstorm.yaml:3:11: keysFile',
      'fhirstorm.yaml:4:17: trustedProxies',
      'fhirstorm.yaml:5:45: admin.tokenFile',
    ],
  )
})

test('[ST2] secrets as compose, Kubernetes and systemd mount them are taken', async t => {
  for (const mode of [0o600, 0o400, 0o440, 0o640]) {
    const folder = await lay(t, {
      head: 'admin: { host: 0.0.0.0, port: 0, tokenFile: token }',
      configMode: 0o644,
      more: {
        'keys.json': [printKeyRing(goodRing), mode],
        secret: ['a long and random secret', mode],
        token: [goodToken, mode],
      },
    })
    assert.ok(
      await judgeConfiguration({ config: join(folder, 'fhirstorm.yaml') }),
      mode.toString(8),
    )
  }
})
