// The whole product in a foreign app, by its configuration file alone.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import fastify from 'fastify'
import { parse, stringify } from 'yaml'
import {
  buildOptions,
  createMemoryVault,
  type FhirstormOptions,
  fhirstorm,
  loadConfig,
} from '../../program/index.ts'
import { buildDemoConfig } from '../../sandbox/demo-config.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { logIn } from '../flow/login.ts'
import { makeFolder } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) removeFolder(folder)
})

function writeConfig(app: string, sandbox: string, changes: object = {}): string {
  const folder = makeFolder()
  folders.push(folder)
  const places = { keysFile: 'keys.json', vault: 'vault.db', site: 'site' }
  const document = parse(buildDemoConfig({ app, sandbox, ...places }))
  const file = join(folder, 'fhirstorm.yaml')
  const text = stringify({ ...document, frontend: {}, ...changes })
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

for (const prefix of [undefined, '/bff']) {
  const where = prefix === undefined ? 'by publicUrl alone' : 'by prefix and publicUrl'
  test(`a configuration is all that a host gives; the path comes ${where}`, async t => {
    const port = await findPort()
    const origin = `http://localhost:${port}`
    const sandbox = await startSandbox({ port: 0, appUrl: `${origin}/bff` })
    const host = fastify({ exposeHeadRoutes: false, routerOptions: { maxParamLength: 8192 } })
    host.get('/', async () => 'the host')
    const config = writeConfig(`${origin}/bff`, sandbox.url)
    await host.register(fhirstorm, { config, prefix })
    await host.listen({ port, host: 'localhost' })
    t.after(async () => {
      await sandbox.close()
      await host.close()
    })
    assert.equal(await (await fetch(origin)).text(), 'the host')
    const places = { app: `${origin}/bff`, sandbox }
    const { fhirBaseUrl } = await logIn(places, createBrowser(), 'amy-shaw')
    assert.ok(fhirBaseUrl.startsWith(`${origin}/bff/sessions/`))
    const contract = await fetch(`${origin}/bff/openapi.yaml`)
    assert.match(await contract.text(), /^openapi: /)
  })
}

test('a prefix that is not the path of publicUrl is refused, and so is a faulty configuration', async () => {
  const config = writeConfig('http://localhost:5000/bff', 'http://127.0.0.1:5001')
  const host = fastify()
  await assert.rejects(async () => await host.register(fhirstorm, { config, prefix: '/auth' }), {
    message:
      'fhirstorm: options.prefix makes /auth, and the path of publicUrl is /bff: browsers would not find the routes',
  })
  const faulty = writeConfig('http://localhost:5000', 'http://127.0.0.1:5001', { states: 'signed' })
  await assert.rejects(async () => await fastify().register(fhirstorm, { config: faulty }), {
    name: 'ConfigError',
    message: /fhirstorm\.yaml:\d+:\d+: states: there is no such setting/,
  })
  await assert.rejects(async () => await fastify().register(fhirstorm, { config: '/nowhere' }), {
    name: 'ConfigError',
    message: /the file cannot be read/,
  })
})

test('what loadConfig gave can be changed before it is used', async t => {
  const loaded = await loadConfig(
    writeConfig('http://localhost:5000', 'http://127.0.0.1:5001', { admin: { port: 0 } }),
  )
  const host = fastify()
  t.after(() => host.close())
  await host.register(fhirstorm, { config: { ...loaded, admin: false, docs: false } })
  const answer = await host.inject({ url: '/docs', headers: { host: 'localhost:5000' } })
  assert.equal(answer.statusCode, 404)
})

const misfits: [what: string, options: object, message: RegExp][] = [
  [
    'no options',
    {},
    /^fhirstorm: options\.config must be the path of a file, or what loadConfig gave$/,
  ],
  ['a config that is not there', { config: undefined }, /^fhirstorm: options\.config must be/],
  ['a config of null', { config: null }, /^fhirstorm: options\.config must be/],
  ['a config that is no path', { config: 5 }, /^fhirstorm: options\.config must be/],
  ['a config as an address', { config: new URL('file:///fhirstorm.yaml') }, /options\.config must/],
  ['a file that was parsed', { config: { publicUrl: 'http://localhost:5000' } }, /config must/],
  ['an option misnamed', { configFile: './fhirstorm.yaml' }, /options\.config must/],
  [
    'a group of routes that is none',
    { config: './fhirstorm.yaml', leaveOut: ['jwks', 'backchannel-logout'] },
    /^fhirstorm: options\.leaveOut has another text; it may have 'launch', .*'frontend'$/,
  ],
  [
    'a group of routes that is not in a list',
    { config: './fhirstorm.yaml', leaveOut: 'jwks' },
    /^fhirstorm: options\.leaveOut is 'jwks'; it must be a list$/,
  ],
]

for (const [what, options, message] of misfits) {
  test(`[GU7] the whole product says what is wrong with ${what}`, async () => {
    const host = fastify()
    const register = async () => await host.register(fhirstorm, options as FhirstormOptions)
    await assert.rejects(register, { name: 'TypeError', message })
    await host.close()
  })
}

test('[GU7, AU2] a registration that the audit refuses leaves nothing open', {
  skip: !existsSync('/proc/self/fd') && 'there is no /proc here',
}, async () => {
  const audit = { sink: 'file', path: 'audit.ndjson' }
  const config = writeConfig('http://localhost:1/bff', 'http://127.0.0.1:1', { audit })
  const folder = dirname(config)
  writeFileSync(join(folder, 'audit.ndjson'), 'what nobody has sealed\n')
  for (let round = 0; round < 2; round++) {
    const host = fastify()
    host.register(fhirstorm, { config })
    await assert.rejects(async () => await host.ready(), { name: 'AuditRefusal' })
    await host.close()
    const open = readdirSync('/proc/self/fd').flatMap(fd => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)]
      } catch {
        return []
      }
    })
    assert.deepEqual(
      open.filter(path => path.startsWith(folder)),
      [],
    )
  }
})

test('[GU7] buildOptions says what it was not given', async () => {
  const config = await loadConfig(writeConfig('http://localhost:5000', 'http://127.0.0.1:5001'))
  const build = (...given: unknown[]) => Reflect.apply(buildOptions, undefined, given)
  const cases: [given: unknown[], message: string][] = [
    [[], 'buildOptions: config is no object'],
    [[{ ehrs: [] }], 'buildOptions: config.registrations is missing'],
    [[config], 'buildOptions: surroundings is no object'],
    [[config, createMemoryVault()], 'buildOptions: surroundings.vault is missing'],
  ]
  for (const [given, message] of cases) assert.throws(() => build(...given), { message })
})

test('[GU7] a second broker at one path is refused, whatever scopes the two are in, and opens no vault', async () => {
  const at = (publicUrl: string) => writeConfig(publicUrl, 'http://127.0.0.1:5001')
  for (const path of ['', '/bff']) {
    const config = at(`http://localhost:5000${path}`)
    const message = `fhirstorm: one is registered below ${path || '/'} already; a second needs a publicUrl with a path of its own`
    const host = fastify()
    await host.register(fhirstorm, { config })
    const second = at(`http://localhost:5000${path}`)
    await assert.rejects(async () => await host.register(fhirstorm, { config: second }), {
      message,
    })
    assert.equal(existsSync(join(dirname(second), 'vault.db')), false)
    await host.close()
    const inScopes = fastify()
    const register = () =>
      inScopes.register(async scope => await fhirstorm(scope, { config }), { prefix: path })
    await register()
    await assert.rejects(async () => await register(), { message })
    await inScopes.close()
  }
  const apart = fastify()
  for (const path of ['', '/a', '/b']) {
    await apart.register(fhirstorm, { config: at(`http://localhost:5000${path}`) })
  }
  const another = fastify()
  await another.register(fhirstorm, { config: at('http://localhost:5000') })
  for (const url of ['/sessions', '/a/sessions', '/b/sessions']) {
    const answer = await apart.inject({ url, headers: { host: 'localhost:5000' } })
    assert.equal(answer.statusCode, 200, url)
  }
  await Promise.all([apart.close(), another.close()])
})
