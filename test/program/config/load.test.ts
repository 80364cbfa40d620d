// The configuration: what is accepted, and every fault at once with its place.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { buildConfigSchema } from '../../../program/cli/schema.ts'
import { type Config, loadConfig } from '../../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { configErrorOf } from './config-error.ts'

const keys = printKeyRing(makeKeyRing(0, randomBytes))
const TOKEN = 'eL5v0Q-2c8mVtJ1xSr9aYw6T'
const files: Record<string, string> = {
  'keys.json': keys,
  secret: 'from a file\n',
  token: `${TOKEN}\n`,
}

async function readTestFile(path: string): Promise<string> {
  const text = files[path]
  if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })
  return text
}

function load(text: string, env: Record<string, string> = {}): Promise<Config> {
  return loadConfig({ file: { name: 'fhirstorm.yaml', text }, env, readFile: readTestFile })
}

async function faultsOf(loading: Promise<unknown>): Promise<string[]> {
  const { faults } = await configErrorOf(loading)
  return faults.map(({ where, message }) => `${where}: ${message}`)
}

const good = `publicUrl: https://app.example.org/bff/
keysFile: keys.json
ehrs:
  - id: general
    name: General Hospital
    iss: https://ehr.example.org/fhir/r4/
    clientId: app
    clientAuth: { method: client_secret_basic, secretFile: secret }
    scope: launch openid fhirUser patient/*.rs
    origins: [https://login.ehr.example.org]
`

test('an alias without its anchor is a fault with its place, and so are too many', async () => {
  await assert.rejects(load(`${good}pages: *nothing\n`), {
    name: 'ConfigError',
    message: /^fhirstorm\.yaml:\d+:8: an alias/,
  })
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...Array.from('bcdefg', (name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`)}]`),
  ]
  await assert.rejects(load(`${good}${bomb.join('\n')}\n`), {
    name: 'ConfigError',
    message: /an alias/,
  })
})

test('[ST4] what contains itself is a fault with its place, in whatever way it does', async () => {
  const endless = [
    'a: &a { b: *a }',
    'a: &a [{ b: &b [x, *a, *b] }]',
    'a: &a { *a : 1 }',
    'a: &a { b: 1 }\nb: &a { c: *a }',
  ]
  for (const text of endless) {
    await assert.rejects(load(`${good}${text}\n`), {
      name: 'ConfigError',
      message: /^fhirstorm\.yaml:\d+:\d+: an alias \(\*name\) within what it stands for/,
    })
  }
})

test('[ST4] a NUL in any text, as a path that no system takes, is a fault of its setting', async () => {
  for (const setting of [
    'vault: { kind: sqlite, path: "a\\0b" }',
    'audit: { sink: file, path: "a\\0b" }',
    'internal: { socket: "a\\0b" }',
    'frontend: { static: "a\\0b" }',
  ]) {
    await assert.rejects(load(`${good}${setting}\n`), {
      name: 'ConfigError',
      message: /^fhirstorm\.yaml:\d+:\d+: .*: must have no NUL character$/,
    })
  }
})

test('[G1] the parser prints nothing of the file by itself', async t => {
  const emitted = t.mock.method(process, 'emitWarning', () => {})
  for (const text of ['? [canary]\n: 1', '%YAML 9.9\n---\ndocs: true']) {
    await assert.rejects(load(text), { name: 'ConfigError' })
  }
  assert.equal(emitted.mock.callCount(), 0)
})

test('a public URL that is none is a fault like any other', async () => {
  for (const publicUrl of ['fhir/r4', '/', 'app.example.org', 'https://', 'launch openid']) {
    await assert.rejects(load(good.replace(/^publicUrl: .*$/m, `publicUrl: ${publicUrl}`)), {
      name: 'ConfigError',
      message: /publicUrl: must be/,
    })
  }
})

test('a good file becomes registrations, with defaults and files read', async () => {
  const config = await load(good)
  assert.equal(config.publicUrl, 'https://app.example.org/bff')
  assert.deepEqual(config.frontend.origins, ['https://app.example.org'])
  assert.equal(config.sessions.idleMinutes, 15)
  const [general] = config.registrations
  assert.equal(general?.iss, 'https://ehr.example.org/fhir/r4/')
  assert.equal(general?.redirectUri, 'https://app.example.org/bff/redirect')
  assert.deepEqual(general?.clientAuth, { method: 'client_secret_basic', secret: 'from a file' })
  assert.deepEqual(general?.origins, ['https://ehr.example.org', 'https://login.ehr.example.org'])
})

test('all faults are reported at once, each with its line and column', async () => {
  const faults = await faultsOf(
    load(`publicUrl: http://app.example.org
keysFile: missing.json
sessions: { idleMinutes: -1 }
colour: green
ehrs:
  - id: General
    name: General Hospital
    iss: http://ehr.example.org/fhir
    clientId: app
    clientAuth: { method: client_secret_basic }
    scope: launch
`),
  )
  const text = faults.join('\n')
  assert.match(text, /fhirstorm\.yaml:1:12: must be https/)
  assert.match(text, /fhirstorm\.yaml:3:26: must be more than 0/)
  assert.match(text, /fhirstorm\.yaml:4:9: there is no such setting/)
  assert.match(text, /fhirstorm\.yaml:6:9: must be 1 to 32/)
  assert.match(text, /fhirstorm\.yaml:8:10: must be a plain https URL/)
  assert.match(text, /fhirstorm\.yaml:2:11: the file missing\.json cannot be read \(ENOENT\)/)
  assert.equal(faults.length, 6)
})

test('[AL-15] exactly one secret, from a file or the environment, and files must be there', async () => {
  const withAuth = (auth: string) =>
    load(good.replace('{ method: client_secret_basic, secretFile: secret }', auth), {
      SECRET: 'from the environment',
    })
  const config = await withAuth(`{ method: client_secret_post, secret: "\${SECRET}" }`)
  assert.deepEqual(config.registrations[0]?.clientAuth, {
    method: 'client_secret_post',
    secret: 'from the environment',
  })
  for (const auth of [
    '{ method: client_secret_basic }',
    '{ method: client_secret_basic, secret: a, secretFile: secret }',
  ]) {
    assert.deepEqual(await faultsOf(withAuth(auth)), [
      'fhirstorm.yaml:8:17: give exactly one of secret and secretFile',
    ])
  }
  assert.deepEqual(
    await faultsOf(withAuth('{ method: client_secret_basic, secretFile: nowhere }')),
    ['fhirstorm.yaml:8:60: the file nowhere cannot be read (ENOENT)'],
  )
  assert.match(
    (await faultsOf(withAuth(`{ method: client_secret_basic, secret: "\${NOT_SET}" }`))).join(),
    /environment variable NOT_SET is not set/,
  )
})

test('[D16, L10, AL-01] http is for loopback alone, in public URL and issuer', async () => {
  const local = good
    .replace('https://app.example.org/bff/', 'http://localhost:5000')
    .replace('https://ehr.example.org/fhir/r4/', 'http://127.0.0.1:5001/r4')
  assert.equal((await load(local)).publicUrl, 'http://localhost:5000')
  for (const bad of [
    good.replace('https://app', 'http://app'),
    good.replace('iss: https://ehr', 'iss: http://ehr'),
    good.replace('iss: https://ehr.example.org/fhir/r4/', 'iss: https://u:p@ehr.example.org/fhir'),
    good.replace('iss: https://ehr.example.org/fhir/r4/', 'iss: https://ehr.example.org/fhir?x=1'),
  ]) {
    assert.equal((await faultsOf(load(bad))).length, 1)
  }
})

test('[AD4] a hop count or true is no list of trusted proxies', async () => {
  for (const value of ['true', '1', '[everything]', '[10.0.0.0/99]']) {
    assert.ok((await faultsOf(load(`trustedProxies: ${value}\n${good}`))).length > 0, value)
  }
  const config = await load(`trustedProxies: [10.0.0.0/8, "::1"]\n${good}`)
  assert.deepEqual(config.trustedProxies, ['10.0.0.0/8', '::1'])
})

test('[PR5] several processes share a vault, which memory is none of', async () => {
  for (const value of ['2', 'auto']) {
    const memory = `processes: ${value}\nvault: { kind: memory }\n${good}`
    assert.match(
      (await faultsOf(load(memory)))[0] ?? '',
      /^fhirstorm\.yaml:1:12: a vault in memory/,
    )
    assert.ok((await load(`processes: ${value}\n${good}`)).processes !== 1)
  }
  assert.equal((await load(`processes: 1\nvault: { kind: memory }\n${good}`)).processes, 1)
  assert.equal((await load(good, { FHIRSTORM_PROCESSES: '3' })).processes, 3)
  for (const value of ['0', '65', 'all', '1.5']) {
    assert.equal((await faultsOf(load(good, { FHIRSTORM_PROCESSES: value }))).length, 1, value)
  }
})

test('[D16, K11] a key ring with a short key is refused, without a word of it', async () => {
  files['short.json'] = keys.replace(/"secret": "(.{10})[^"]*"/, '"secret": "$1"')
  const faults = await faultsOf(load(good.replace('keys.json', 'short.json')))
  assert.deepEqual(faults, [
    'fhirstorm.yaml:2:11: key 1 of the ring must be exactly 32 bytes, base64url',
  ])
})

test('one EHR needs no file: the environment describes it, and faults name the variable', async () => {
  const env = {
    FHIRSTORM_PUBLIC_URL: 'https://app.example.org',
    FHIRSTORM_ISS: 'https://ehr.example.org/fhir',
    FHIRSTORM_CLIENT_ID: 'app',
    FHIRSTORM_CLIENT_SECRET_FILE: 'secret',
    FHIRSTORM_SCOPE: 'launch/patient patient/*.rs',
    FHIRSTORM_ORIGINS: 'https://login.example.org, https://keys.example.org/',
    FHIRSTORM_KEYS_FILE: 'keys.json',
    FHIRSTORM_VAULT: 'redis://127.0.0.1:6379',
    FHIRSTORM_FRONTEND_ORIGIN: 'https://front.example.org',
    PORT: '8080',
  }
  const config = await loadConfig({ env, readFile: readTestFile })
  assert.equal(config.listen.port, 8080)
  assert.equal(config.vault.kind, 'redis')
  assert.deepEqual(config.frontend.origins, ['https://front.example.org'])
  assert.deepEqual(config.registrations[0]?.origins, [
    'https://ehr.example.org',
    'https://login.example.org',
    'https://keys.example.org',
  ])
  const faults = await faultsOf(
    loadConfig({ env: { ...env, FHIRSTORM_ISS: 'ehr', PORT: 'many' }, readFile: readTestFile }),
  )
  assert.deepEqual(faults.map(fault => fault.split(':')[0]).sort(), ['FHIRSTORM_ISS', 'PORT'])
  assert.match(
    (await faultsOf(loadConfig({ env: {}, readFile: readTestFile }))).join(),
    /there is none/,
  )
})

test('[AD1] beyond loopback the admin listener needs a token', async () => {
  assert.deepEqual(await faultsOf(load(`admin: { host: 0.0.0.0 }\n${good}`)), [
    'fhirstorm.yaml:1:8: beyond loopback the admin listener needs a tokenFile',
  ])
  const config = await load(`admin: { host: 0.0.0.0, tokenFile: token }\n${good}`)
  assert.deepEqual(config.admin, { host: '0.0.0.0', port: 5009, token: TOKEN })
})

test('[VE2] beyond loopback the internal listener needs a token, on a socket it is for its group', async () => {
  assert.deepEqual(await faultsOf(load(`internal: { host: 0.0.0.0, port: 5010 }\n${good}`)), [
    'fhirstorm.yaml:1:11: beyond loopback the internal listener needs a tokenFile',
  ])
  const config = await load(`internal: { host: 0.0.0.0, port: 5010, tokenFile: token }\n${good}`)
  assert.deepEqual(config.internal, { host: '0.0.0.0', port: 5010, token: TOKEN })
  const { internal } = await load(`internal: { socket: internal.sock }\n${good}`)
  assert.deepEqual(internal, { socket: 'internal.sock' })
})

test('[AD6] an empty admin token is none', async () => {
  for (const text of ['', ' \n\t ']) {
    files.blank = text
    const faults = await faultsOf(load(`admin: { tokenFile: blank }\n${good}`))
    assert.match(faults.join(), /fhirstorm\.yaml:1:21: .*token/)
  }
})

test('the outbound proxy comes from the registration or the environment, and must be usable', async () => {
  const proxyOf = async (env: Record<string, string>, text = good) =>
    (await load(text, env)).registrations[0]?.network.proxy
  assert.equal(await proxyOf({ HTTPS_PROXY: 'proxy.lan:3128' }), 'http://proxy.lan:3128')
  assert.equal(
    await proxyOf({ https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:2' }),
    'http://a:1',
  )
  for (const no of ['*', 'ehr.example.org', '.example.org', 'x, example.org:443']) {
    assert.equal(await proxyOf({ HTTPS_PROXY: 'proxy:3128', NO_PROXY: no }), undefined, no)
  }
  const own = good.replace('    clientId', '    proxy: http://own.lan:8080\n    clientId')
  assert.equal(await proxyOf({ NO_PROXY: '*' }, own), 'http://own.lan:8080')
  const faults = await faultsOf(load(good, { HTTPS_PROXY: 'socks5://proxy:1080' }))
  assert.match(faults.join(), /must be an http:\/\/ address/)
})

test('certificates that cannot be used are a fault of the file that names them', async () => {
  files['bad.pem'] = '-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n'
  const text = good.replace('    clientId', '    caFile: bad.pem\n    clientId')
  assert.deepEqual(await faultsOf(load(text)), [
    'fhirstorm.yaml:7:13: the certificates or the key cannot be used',
  ])
})

test('[SC-10, SC-15, SC-34] scopes that no launch can have are faults', async () => {
  const withScope = (scope: string) => load(good.replace(/scope: .*/, `scope: ${scope}`))
  for (const scope of ['launch system/*.rs', 'launch/Patient openid fhirUser']) {
    assert.match((await faultsOf(withScope(scope)))[0] ?? '', /^fhirstorm\.yaml:9:12: /, scope)
  }
  const required = good
    .replace(/scope: .*/, 'scope: launch patient/*.rs')
    .replace('    clientId', '    idToken: require\n    clientId')
  assert.match((await faultsOf(load(required))).join(), /needs the scope openid/)
})

test('what is not YAML is one fault with its place', async () => {
  assert.match(
    (await faultsOf(load('ehrs: [\n  a: {')))[0] ?? '',
    /^fhirstorm\.yaml:\d+:\d+: not YAML/,
  )
})

test('ids are used once, and a redirect path is the plain one or the own one', async () => {
  const second = good.split('ehrs:\n')[1] ?? ''
  const twice = `${good}${second}    redirectPath: /redirect/other\n`
  assert.deepEqual(await faultsOf(load(twice)), [
    'fhirstorm.yaml:11:9: this id is used twice',
    'fhirstorm.yaml:18:19: must be /redirect or /redirect/general',
  ])
})

test('the committed schema for editors is the one the program checks by', async () => {
  const committed = await readFile('docs/fhirstorm.schema.json', 'utf8')
  assert.ok(committed === buildConfigSchema(), 'run: npm run docs')
})

test('the examples are accepted as they stand', async () => {
  for (const path of ['examples/fhirstorm.yaml', 'examples/cluster/fhirstorm.yaml']) {
    const text = await readFile(path, 'utf8')
    const config = await loadConfig({
      file: { name: path, text },
      env: {},
      readFile: async name => (name.includes('keys') ? keys : 'redis://:password@valkey:6379'),
    })
    assert.equal(config.registrations.length, 1)
  }
})

test('[R23] an origin is one word of a policy', async () => {
  const bad = [
    ...[
      'https://a.example;script-src',
      'https://a.example,b',
      "https://a.example'",
      'ftp://a.example',
    ],
    ...[
      'https://a.example/',
      'https://A.example',
      'https://a.example:443',
      'https://a b',
      '*',
      'null',
    ],
  ]
  for (const origin of bad) {
    const faults = await faultsOf(
      load(good.replace(/origins: .*/, `origins: [${JSON.stringify(origin)}]`)),
    )
    assert.match(faults.join(), /must be one origin such as/, origin)
  }
  for (const part of ['frontend: { origins: ["https://*.example.org"] }', 'log: { level: loud }']) {
    assert.equal((await faultsOf(load(`${part}\n${good}`))).length, 1, part)
  }
  const both = 'origins: [https://a.example:8443, "http://[::1]:1"]'
  await load(good.replace(/origins: .*/, both))
})

test('[FA2] addresses of an existing app are paths of our own origin, without a fragment', async () => {
  const facade = (launchUrl: string, redirectUri: string) =>
    `${good}facade: { launchUrl: '${launchUrl}', redirectUris: ['${redirectUri}'], clientId: app }\n`
  assert.equal((await load(facade('/launch.html', '/app/?x=1'))).facade?.pkceOptional, false)
  for (const odd of [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    'app/',
    '/a#b',
  ]) {
    const [launchUrl, redirectUri] = [facade(odd, '/'), facade('/', odd)]
    assert.match(
      (await faultsOf(load(launchUrl))).join('\n'),
      /^fhirstorm\.yaml:\d+:\d+: must be a/,
      odd,
    )
    assert.match(
      (await faultsOf(load(redirectUri))).join('\n'),
      /^fhirstorm\.yaml:\d+:\d+: must be a/,
      odd,
    )
  }
})

test('[FA1] a page of an existing app lies at no route of ours, where a launch would never reach it', async () => {
  const faults = (path: string) => {
    const addresses = `launchUrl: '${path}', redirectUris: [/bff/, '${path}']`
    return faultsOf(load(`${good}facade: { ${addresses}, clientId: app }\n`))
  }
  for (const path of [
    '/bff/launch',
    '/bff/launch/',
    '/bff/redirect/x?y=1',
    '/bff/login',
    '/x/../bff/smart/general',
  ]) {
    assert.deepEqual(
      (await faults(path)).map(fault => fault.replace(/.*\d: /, '')),
      Array(2).fill(
        'is a route of fhirstorm itself: the app has its page elsewhere, or publicUrl a path',
      ),
      path,
    )
  }
  for (const path of [
    '/launch',
    '/bff/launch.html',
    '/bff/launches/',
    '/bff/login/page.html',
    '/bffs/launch',
  ]) {
    const addresses = `launchUrl: '${path}', redirectUris: ['${path}']`
    await load(`${good}facade: { ${addresses}, clientId: app }\n`)
  }
})
