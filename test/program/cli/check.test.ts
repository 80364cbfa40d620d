// `fhirstorm check` as an operator runs it: what to register at each EHR, and the same judgement as
// `fhirstorm start`.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { check } from '../../../program/cli/check.ts'
import type { Finding } from '../../../program/cli/surroundings.ts'
import { openVault } from '../../../program/embedded.ts'
import { startSandbox } from '../../../sandbox/sandbox.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { removeFolder } from '../../world/folder.ts'
import { runIn } from './within.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fhirstorm-check-'))
  const { privateKey } = await generateKeyPair('ES384', { extractable: true })
  const clientKeys = [{ ...(await exportJWK(privateKey)), kid: 'one', alg: 'ES384', use: 'sig' }]
  const ring = printKeyRing({ ...makeKeyRing(0, randomBytes), clientKeys })
  await writeFile(join(folder, 'keys.json'), ring, { mode: 0o600 })
})
after(() => removeFolder(folder))

async function run(command: string, text: string, ...args: string[]) {
  await writeFile(join(folder, 'fhirstorm.yaml'), text, { mode: 0o600 })
  // What asks EHRs has connections to close before a program ends.
  if (command === 'check' && !args.includes('--online')) return await runIn(folder, check, ...args)
  const program = join(import.meta.dirname, '../../../bin/fhirstorm.js')
  return await new Promise<{ status: number; out: string; error: string }>(done => {
    execFile(process.execPath, [program, command, ...args], { cwd: folder }, (failed, out, error) =>
      done({ status: failed ? Number(failed.code) : 0, out, error }),
    )
  })
}

const ehr = (id: string, iss: string, ...further: string[]) =>
  [
    `  - id: ${id}`,
    `    name: ${id}`,
    `    iss: ${iss}`,
    '    clientId: app',
    '    scope: launch openid fhirUser patient/*.rs',
    ...further,
  ].join('\n')
const secret = '    clientAuth: { method: client_secret_basic, secret: a long and random secret }'
const keyed = '    clientAuth: { method: private_key_jwt }'
const head = `publicUrl: https://app.example.org/bff
keysFile: keys.json
sessions: { postLogoutUrl: 'https://app.example.org/bye' }
ehrs:
`

test('[AL-14] check names what to register at each EHR, in words and as JSON', async () => {
  const text =
    head +
    [
      ehr('portal', 'https://one.example.org/fhir', secret),
      ehr('clinic', 'https://one.example.org/fhir/', keyed),
      ehr('other', 'https://two.example.org/fhir', secret),
    ].join('\n')
  const told = await run('check', text)
  assert.equal(told.status, 0, told.error)
  const own = 'https://app.example.org/bff'
  for (const [id, rows] of [
    ['portal', [`redirect URI +${own}/redirect/portal`, `launch URL +${own}/launch/portal`]],
    ['clinic', [`redirect URI +${own}/redirect/clinic`, `launch URL +${own}/launch/clinic`]],
    ['other', [`redirect URI +${own}/redirect/other`, `launch URL +${own}/launch\n`]],
  ] as const) {
    const part = told.out.slice(told.out.indexOf(`${id}  `))
    for (const row of rows) assert.match(part, new RegExp(row))
  }
  assert.match(told.out, /clinic.*\n(.*\n)*.*key set \(JWKS\) +https:\S+\/\.well-known\/jwks\.json/)
  assert.equal(told.out.match(/back-channel logout +\S+\/backchannel-logout/g)?.length, 3)
  const { ehrs } = JSON.parse((await run('check', text, '--json')).out)
  assert.deepEqual(ehrs[1].register, {
    redirectUri: `${own}/redirect/clinic`,
    launchUrl: `${own}/launch/clinic`,
    jwksUri: `${own}/.well-known/jwks.json`,
    backchannelLogoutUri: `${own}/backchannel-logout`,
    postLogoutRedirectUri: 'https://app.example.org/bye',
  })
})

test('[C2] check and start refuse a redirect URI that is open to mix-up, naming the line', async () => {
  const plain = '    redirectPath: /redirect'
  const text =
    head +
    [
      ehr('one', 'https://one.example.org/fhir', secret, plain),
      ehr('two', 'https://two.example.org/fhir', secret, plain),
    ].join('\n')
  for (const command of ['check', 'start']) {
    const { status, error } = await run(command, text)
    assert.equal(status, 2, command)
    assert.match(
      error,
      /fhirstorm\.yaml:11:19: ehrs\[0\]\.redirectPath: shares its redirect URI with two, .*\n/,
    )
    assert.match(
      error,
      /fhirstorm\.yaml:18:19: ehrs\[1\]\.redirectPath: shares its redirect URI with one, .*\n/,
    )
  }
})

test('[ST4] check judges what a start would meet, and says it as JSON in every case', async t => {
  const text = (further: string) =>
    `${head.replace('ehrs:\n', `${further}\nehrs:\n`)}${ehr('one', 'https://one.example.org/fhir', secret)}`
  const busy = createServer()
  await new Promise<void>(done => busy.listen(0, '127.0.0.1', done))
  t.after(() => busy.close())
  const { port } = busy.address() as AddressInfo
  mkdirSync(join(folder, 'open'))
  chmodSync(join(folder, 'open'), 0o777)
  const served = createServer()
  await new Promise<void>(done => served.listen(join(folder, 'served.sock'), done))
  t.after(() => served.close())
  const other = join(folder, 'other.db')
  const { vault } = await openVault({
    ...{ vault: { kind: 'sqlite', path: other } as const, keyRing: makeKeyRing(0, randomBytes) },
  })
  await vault.close()
  for (const [further, kind, setting, message] of [
    [`listen: { port: ${port} }`, 'warning', 'listen.port', /the port is in use/],
    ['listen: { host: 192.0.2.1 }', 'fault', 'listen.host', /is none of this machine/],
    [`admin: { port: ${port} }`, 'warning', 'admin.port', /the port is in use/],
    [
      'frontend: { origins: ["https://app.example.com"] }',
      'warning',
      'frontend.origins',
      /example\.com is another site/,
    ],
    ['frontend: { static: ./nowhere }', 'fault', 'frontend.static', /is no folder/],
    [
      'vault: { kind: sqlite, path: other.db }',
      'fault',
      'vault',
      /keys that are not in the key ring/,
    ],
    ['vault: { kind: sqlite, path: keys.json/vault.db }', 'fault', 'vault.path', /cannot be made/],
    ['audit: { sink: file, path: keys.json/audit.ndjson }', 'fault', 'audit.path', /be made/],
    ['vault: { kind: redis, url: redis://127.0.0.1:1 }', 'fault', 'vault', /does not answer/],
    ['vault: { kind: memory }', 'warning', 'vault', /end with this process/],
    [`internal: { port: ${port} }`, 'warning', 'internal.port', /the port is in use/],
    ['internal: { socket: nowhere/s.sock }', 'fault', 'internal.socket', /cannot be made/],
    ['internal: { socket: keys.json }', 'fault', 'internal.socket', /there that is no socket/],
    ['internal: { socket: open }', 'fault', 'internal.socket', /there that is no socket/],
    ['internal: { socket: served.sock }', 'warning', 'internal.socket', /is in use/],
    [
      'vault: { kind: sqlite, path: open/vault.db }',
      'fault',
      'vault.path',
      /folder .*open can be written by anybody/,
    ],
  ] as const) {
    const told = await run('check', text(further))
    const line = told.out.split('\n').find(one => one.startsWith(`${kind}: ${setting}: `))
    assert.match(line ?? told.out + told.error, message)
    assert.equal(/^the configuration is sound$/m.test(told.out), kind !== 'fault')
    assert.equal(told.status, kind === 'fault' ? 1 : 0)
    const { ok, findings } = JSON.parse((await run('check', text(further), '--json')).out)
    assert.equal(ok, kind !== 'fault')
    assert.ok(findings.some((one: Finding) => one.kind === kind && one.setting === setting))
  }
  mkdirSync(join(folder, 'built'))
  for (const [loaded, missed] of [
    ['<script type="module" src="/assets/a.js">', '/assets/a.js'],
    ['<script src="/bff/a.js"></script><link rel="stylesheet" href="/b.css">', '/b.css'],
    ['<script src="/bff/a.js"></script><link href="./b.css"><script src="//cdn/c.js">', undefined],
    ['<a href="/elsewhere">elsewhere</a>', undefined],
  ] as const) {
    writeFileSync(join(folder, 'built', 'index.html'), loaded)
    const told = await run('check', text('frontend: { static: built }'))
    const [, path] = /^warning: frontend.static: index.html loads "(.*?)"/m.exec(told.out) ?? []
    assert.equal(path, missed, told.out)
  }
  const app = 'facade: { launchUrl: /bff/old/launch.html, redirectUris: [/bff/old/], clientId: x }'
  mkdirSync(join(folder, 'pages', 'old'), { recursive: true })
  for (const name of ['index.html', 'old/index.html']) {
    writeFileSync(join(folder, 'pages', name), '')
  }
  const ofApp = await run('check', text(`frontend: { static: pages }\n${app}`))
  assert.deepEqual(ofApp.out.match(/^warning: .*/gm)?.slice(0, 2), [
    `warning: facade.launchUrl: ${join(folder, 'pages')} has no old/launch.html`,
    'warning: frontend.contentSecurityPolicy: scripts inside a page do not run, as many such apps have them: existing-app lets them',
  ])
  const wild = await run('check', text('frontend: { origins: ["https://*.example.org"] }'))
  assert.equal(wild.status, 2)
  assert.match(wild.error + wild.out, /without wildcards/)
  const faulty = await run('check', text('colour: green'), '--json')
  assert.equal(faulty.status, 2)
  assert.equal(JSON.parse(faulty.out).faults[0].setting, 'colour')
  assert.equal((await run('check', text(''), '--json')).status, 0)
  assert.equal(existsSync(join(folder, 'data')), false)
})

test('[ST4] what a start would meet is told in the same run as the faults of the file', async () => {
  const other = join(folder, 'others.db')
  const { vault } = await openVault({
    ...{ vault: { kind: 'sqlite', path: other } as const, keyRing: makeKeyRing(0, randomBytes) },
  })
  await vault.close()
  const text = (keysFile: string) => `publicUrl: https://app.example.org/bff
colour: green
listen: { host: 192.0.2.1 }
frontend: { static: ./nowhere }
vault: { kind: sqlite, path: others.db }
keysFile: ${keysFile}
audit: { sink: file, path: keys.json/audit.ndjson }
internal: { socket: nowhere/s.sock }
ehrs:
${ehr('one', 'no address', secret)}`
  const settings = async (keysFile: string) => {
    const { status, out } = await run('check', text(keysFile), '--json')
    assert.equal(status, 2)
    const { faults } = JSON.parse(out) as { faults: { where: string; setting: string }[] }
    return faults.map(({ where, setting }) => `${where.split(':')[1]} ${setting}`)
  }
  const vaultFault = '5 vault'
  const others = ['2 colour', '3 listen.host', '4 frontend.static', vaultFault]
  const further = ['7 audit.path', '8 internal.socket', '12 ehrs[0].iss']
  assert.deepEqual(await settings('keys.json'), [...others, ...further])
  // Without the keys the vault cannot be asked, and everything else can.
  assert.deepEqual(
    await settings('none.json'),
    [...others, '6 keysFile', ...further].filter(one => one !== vaultFault),
  )
  const { error, out } = await run('check', text('keys.json'))
  assert.equal(out, '')
  assert.match(error, /^fhirstorm: the configuration is faulty\n/)
  assert.match(error, /yaml:4:\d+: frontend\.static: .* is no folder that can be read\n/)
  const none = await run('check', 'colour: [', '--json')
  assert.match(JSON.parse(none.out).faults[0].message, /^not YAML/)
})

test('[ST4] a start that cannot listen says where and why in one line', async t => {
  const busy = createServer()
  await new Promise<void>(done => busy.listen(0, '127.0.0.1', done))
  t.after(() => busy.close())
  const { port } = busy.address() as AddressInfo
  const text = (further: string) =>
    `${head.replace('ehrs:\n', `vault: { kind: memory }\n${further}\nehrs:\n`)}${ehr('one', 'https://one.example.org/fhir', secret)}`
  for (const [further, line] of [
    [`listen: { port: ${port} }`, `listen.port: 127.0.0.1:${port}: the port is in use`],
    [
      'listen: { host: 192.0.2.1, port: 5000 }',
      'listen.host: 192.0.2.1:5000: the address is none of this machine',
    ],
    [
      `listen: { port: 0 }\nadmin: { port: ${port} }`,
      `admin.port: 127.0.0.1:${port}: the port is in use`,
    ],
    [
      'listen: { port: 0 }\ninternal: { socket: keys.json }',
      `internal.socket: ${join(folder, 'keys.json')}: something is there that is no socket`,
    ],
  ] as const) {
    const { status, error } = await run('start', text(further))
    assert.equal(`${status} ${error}`, `1 fhirstorm: ${line}\n`)
  }
})

test('every command tells its usage, and what it does not know in one line', async () => {
  const text = `${head}${ehr('one', 'https://one.example.org/fhir', secret)}`
  for (const command of ['start', 'check', 'discover', 'keys', 'healthcheck', 'schema']) {
    const help = await run(command, text, '--help')
    assert.equal(help.status, 0, help.error)
    assert.match(help.out, new RegExp(`^usage: fhirstorm ${command}`))
    const unknown = await run(command, text, '--hlep')
    assert.equal(unknown.status, 2)
    assert.equal(
      unknown.error,
      `fhirstorm ${command}: there is no such option; --help is one (fhirstorm ${command} --help)\n`,
    )
  }
  assert.match((await run('start', text, '--port')).error, /--port needs a value/)
  const nowhere = await run('healthcheck', text, '--port', '70000')
  assert.equal(nowhere.status, 1)
  assert.match(nowhere.error, /is faulty\n--port: listen\.port: must be at most 65535\n$/)
  assert.match((await run('check', text, '--json=yes')).error, /--json takes no value/)
  assert.match((await run('check', text, 'twice')).error, /that is a word too many/)
  assert.match((await run('strat', text)).error, /no such command; start is one/)
  assert.match((await run('--version', text)).out, /^\d+\.\d+\.\d+\n$/)
  assert.match((await run('--help', text)).out, /^usage: fhirstorm COMMAND/)
})

test('[SG1] --online asks each signer for one signature, and holds it against the public key', async () => {
  const sandbox = await startSandbox({ port: 0, appUrl: 'https://app.example.org/bff' })
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  await writeFile(join(folder, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  await writeFile(join(folder, 'private.pem'), pem, { mode: 0o600 })
  const text = (program: string) =>
    head +
    [
      ehr('general', `${sandbox.url}/r4`, `    origins: [${sandbox.url}]`),
      '    clientAuth:',
      '      method: private_key_jwt',
      '      publicKeyFile: public.pem',
      `      signer: { command: [${program}], environment: [SIGNER_KEY] }`,
    ].join('\n')
  process.env.SIGNER_KEY = join(folder, 'private.pem')
  try {
    const script = join(import.meta.dirname, '../../../examples/signer/sign.sh')
    const well = await run('check', text(script), '--online')
    assert.match(well.out, /online: well/)
    const offline = await run('check', text('/bin/false'))
    assert.doesNotMatch(offline.out, /signer_unavailable/)
    const dead = await run('check', text('/bin/false'), '--online')
    assert.equal(dead.status, 1)
    assert.match(dead.out, /online: signer_unavailable the signer ended with status 1/)
    const wrong = await run('check', text('/bin/cat'), '--online')
    assert.match(wrong.out, /online: signer_unavailable .*no signature of its public key/)
  } finally {
    delete process.env.SIGNER_KEY
    await sandbox.close()
  }
})
