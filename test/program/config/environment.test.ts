// Command line before environment before file, for each setting that a variable stands for; and names that
// mean nothing.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { withOptions } from '../../../program/config/environment.ts'
import { type Config, loadConfig } from '../../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import { configErrorOf } from './config-error.ts'

const keys = printKeyRing(makeKeyRing(0, randomBytes))
const readFile = async () => keys
const reference = (name: string) => `$\{${name}}`

const file = `publicUrl: https://file.example.org
keysFile: keys.json
listen: { host: 127.0.0.1, port: 5000 }
vault: { kind: memory }
frontend: { origins: [https://file.example.org] }
log: { level: info }
ehrs:
  - id: general
    name: General
    iss: https://ehr.example.org/fhir
    clientId: file
    clientAuth: { method: client_secret_basic, secretFile: secret }
    scope: launch
`
const second = file.slice(file.indexOf('  - id')).replace('general', 'second')

async function load(text: string, env: Record<string, string | undefined>): Promise<Config> {
  return await loadConfig({ file: { name: 'fhirstorm.yaml', text }, env, readFile })
}

async function faultsOf(text: string, env: Record<string, string | undefined>): Promise<string[]> {
  return (await configErrorOf(load(text, env))).message.split('\n')
}

test('a variable counts before the file, and an option before the variable', async () => {
  const env = {
    FHIRSTORM_PUBLIC_URL: 'https://env.example.org',
    FHIRSTORM_FRONTEND_ORIGIN: 'https://one.example.org https://two.example.org/',
    FHIRSTORM_VAULT: 'redis://127.0.0.1:6379',
    FHIRSTORM_LOG_LEVEL: 'warn',
    FHIRSTORM_CLIENT_ID: 'env',
    FHIRSTORM_CLIENT_SECRET: `of the environment ${reference('NOT_A_NAME')}`,
    FHIRSTORM_SCOPE: 'openid',
    FHIRSTORM_ORIGINS: 'https://login.example.org',
    HOST: '0.0.0.0',
    PORT: '8080',
  }
  const config = await load(file, env)
  const [ehr] = config.registrations
  assert.equal(config.publicUrl, 'https://env.example.org')
  assert.deepEqual(config.frontend.origins, ['https://one.example.org', 'https://two.example.org'])
  assert.equal(config.vault.kind, 'redis')
  assert.equal(config.log.level, 'warn')
  assert.deepEqual([config.listen.host, config.listen.port], ['0.0.0.0', 8080])
  assert.deepEqual([ehr?.id, ehr?.clientId, ehr?.scope], ['general', 'env', 'openid'])
  assert.equal(ehr?.iss, 'https://ehr.example.org/fhir')
  // Of the two ways to give a secret the variable's takes the place of the file's, as it stands.
  assert.deepEqual(ehr?.clientAuth, {
    ...{ method: 'client_secret_basic', secret: `of the environment ${reference('NOT_A_NAME')}` },
  })
  const asked = withOptions(env, {
    port: '9090',
    'log-level': 'debug',
    vault: './v.db',
    json: true,
  })
  const commanded = await load(file, asked)
  assert.deepEqual([commanded.listen.host, commanded.listen.port], ['0.0.0.0', 9090])
  assert.equal(commanded.log.level, 'debug')
  assert.deepEqual(commanded.vault, { kind: 'sqlite', path: './v.db' })
})

test('defaults of an image count below the file', async () => {
  const env = { FHIRSTORM_DEFAULT_HOST: '0.0.0.0', FHIRSTORM_DATA_DIR: '/data/' }
  const told = await load(file, env)
  assert.deepEqual([told.listen.host, told.vault.kind], ['127.0.0.1', 'memory'])
  const silent = await load(file.replace(/listen.*\nvault.*\n/, ''), env)
  assert.deepEqual([silent.listen.host, silent.listen.port], ['0.0.0.0', 5000])
  assert.deepEqual(silent.vault, { kind: 'sqlite', path: '/data/vault.db' })
  const variable = await load(file.replace(/listen.*\nvault.*\n/, ''), { ...env, HOST: '::1' })
  assert.equal(variable.listen.host, '::1')
})

test('a name that means nothing is refused with the nearest that does', async () => {
  assert.deepEqual(
    await faultsOf(file, { FHIRSTORM_PUBLIC_URI: 'x', FHIRSTORM_NONSENSE_WORDS: 'x' }),
    [
      'FHIRSTORM_PUBLIC_URI: there is no such variable; FHIRSTORM_PUBLIC_URL is one',
      'FHIRSTORM_NONSENSE_WORDS: there is no such variable',
    ],
  )
  // What a file names itself, and what Kubernetes and container links set for a service of this name.
  await load(file.replace('clientId: file', `clientId: ${reference('FHIRSTORM_OWN_WORD')}`), {
    FHIRSTORM_OWN_WORD: 'x',
    FHIRSTORM_CONFIG: 'fhirstorm.yaml',
    FHIRSTORM_SERVICE_HOST: '10.0.0.1',
    FHIRSTORM_SERVICE_PORT: '80',
    FHIRSTORM_SERVICE_PORT_HTTP: '80',
    FHIRSTORM_PORT: 'tcp://10.0.0.1:80',
    FHIRSTORM_PORT_80_TCP: 'tcp://10.0.0.1:80',
    FHIRSTORM_PORT_80_TCP_ADDR: '10.0.0.1',
  })
})

test('a variable of an EHR stands for the only one, and for none of several', async () => {
  assert.deepEqual(await faultsOf(file + second, { FHIRSTORM_SCOPE: 'openid' }), [
    'FHIRSTORM_SCOPE: the file has several EHRs: say it there, for one of them',
  ])
  const named = (file + second).replace('scope: launch', `scope: ${reference('FHIRSTORM_SCOPE')}`)
  const { registrations } = await load(named, { FHIRSTORM_SCOPE: 'openid' })
  assert.deepEqual(
    registrations.map(({ scope }) => scope),
    ['openid', 'launch'],
  )
})

test('faults name the variable, come in the order of the file, and hide no others', async () => {
  const text = file
    .replace('host: 127.0.0.1', 'hosts: 127.0.0.1')
    .replace('level: info', 'level: loud')
    .replace(
      'keysFile: keys.json',
      'keysFile: keys.json\nadmin: { host: 0.0.0.0 }\nsessions: { idleMinutes: 90, absoluteHours: 1 }',
    )
    .replace('launch\n', 'launch\n    idToken: require\n')
  const faults = await faultsOf(text, { PORT: 'many' })
  const place = (line: string) => line.replace(/^fhirstorm\.yaml:(\d+):\d+: (\S+): .*$/, '$1 $2')
  assert.deepEqual(faults.map(place), [
    'PORT: listen.port: must be a number',
    '3 admin',
    '4 sessions.idleMinutes',
    '5 listen.hosts',
    '8 log.level',
    '16 ehrs[0].idToken',
  ])
  assert.match(faults.join('\n'), /listen\.hosts: there is no such setting; hosts? is one/)
})

test('what is missing of an EHR that no file describes is missing at its variable', async () => {
  const rest = file.slice(0, file.indexOf('ehrs:'))
  const env = { FHIRSTORM_ISS: 'https://ehr.example.org/fhir', FHIRSTORM_CLIENT_SECRET: 'x' }
  for (const text of [rest, `${rest}ehrs: []\n`, `${rest}ehrs:\n`]) {
    const faults = await faultsOf(text, env)
    assert.deepEqual(faults, [
      'FHIRSTORM_CLIENT_ID: ehrs[0].clientId: is missing',
      'FHIRSTORM_SCOPE: ehrs[0].scope: is missing',
    ])
  }
  // Of one that the file describes they are missing there.
  const faults = await faultsOf(file.replace('    clientId: file\n', ''), { FHIRSTORM_SCOPE: 'x' })
  assert.match(faults.join('\n'), /^fhirstorm\.yaml:8:\d+: ehrs\[0\]\.clientId: /)
})

test('a variable hides no setting of a wrong shape above it', async () => {
  const text = file.replace(/listen: .*/, 'listen: 5').replace(/log: .*/, 'log: loud')
  assert.deepEqual(
    (await faultsOf(text, { PORT: '8080', FHIRSTORM_LOG_LEVEL: 'warn' })).map(line =>
      line.replace(/: must be settings.*$/, ''),
    ),
    ['fhirstorm.yaml:3:9: listen', 'fhirstorm.yaml:6:6: log'],
  )
  const several = `${file.slice(0, file.indexOf('ehrs:'))}ehrs: 5\n`
  assert.match(
    (await faultsOf(several, { FHIRSTORM_SCOPE: 'x' })).join('\n'),
    /^fhirstorm\.yaml:7:7: ehrs: /,
  )
  const empty = file.replace(/listen: .*/, 'listen:')
  assert.equal((await load(empty, { PORT: '8080' })).listen.port, 8080)
})

test('a fault names the option, the variable or the place that was written, and each of them once', async () => {
  const env = { PORT: '70000', FHIRSTORM_PROCESSES: 'many', FHIRSTORM_VAULT: 'mysql://db/sessions' }
  assert.deepEqual(
    await faultsOf(file, withOptions(env, { port: 'abc' })),
    [
      '--port: listen.port: must be a number',
      'FHIRSTORM_VAULT: vault.path: must be the path of a file, and no URL',
      'FHIRSTORM_PROCESSES: processes: must be auto or a number',
    ].toSorted(),
  )
  const both = { FHIRSTORM_CLIENT_SECRET: 'one', FHIRSTORM_CLIENT_SECRET_FILE: 'secret' }
  assert.deepEqual(await faultsOf(file, both), [
    'FHIRSTORM_CLIENT_SECRET: FHIRSTORM_CLIENT_SECRET_FILE says it, too: set one of them',
  ])
  // What is not known is judged no further.
  const unset = file.replace('keysFile: keys.json', `keysFile: ${reference('DIR')}/keys.json`)
  assert.deepEqual(
    await faultsOf(unset.replace('https://file.example.org', reference('URL')), {}),
    [
      'fhirstorm.yaml:1:12: publicUrl: the environment variable URL is not set',
      'fhirstorm.yaml:2:11: keysFile: the environment variable DIR is not set',
    ],
  )
  assert.deepEqual(await faultsOf(file.replace(/publicUrl.*\n/, ''), {}), [
    'fhirstorm.yaml:1:1: publicUrl: is missing',
  ])
})
