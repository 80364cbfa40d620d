// What plugins say to an app that registers them wrongly: one sentence, the plugin and the option in it.

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { parse } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fastify from 'fastify'
import { readSections } from '../package/guide.ts'

async function load(name: string) {
  const module = await import(pathToFileURL(`plugins/${name}.ts`).href)
  return module.default
}

/** What registering a plugin says, with these parts in place of other plugins'. */
async function register(name: string, options: object, parts: readonly string[]): Promise<string> {
  const app = fastify()
  for (const part of parts) app.decorate(part, {})
  try {
    await app.register(await load(name), options)
    await app.ready()
    return 'registered'
  } catch (error) {
    return (error as Error).message
  } finally {
    await app.close().catch(() => undefined)
  }
}

const ALL = [
  'smartMetrics',
  ...['smartAuthorization', 'smartCookies', 'smartDiscovery', 'smartGuard', 'smartSessions'],
  ...['smartState', 'smartTickets', 'smartTokens', 'smartVault'],
]
const registrations = [{ id: 'general', iss: 'https://ehr.example.org/fhir' }]
const publicUrl = 'https://app.example.org'

const wrong: [plugin: string, options: object, message: string][] = [
  ['state', { mode: 'sgined' }, `options.mode is 'sgined'; it may be 'signed' or 'opaque'`],
  ['state', { mode: 'signed', audience: publicUrl }, 'options.keys is missing'],
  ['vault', {}, 'options.vault is missing'],
  ['vault', { vault: {} }, 'options.vault has no function head'],
  ['launch', {}, 'options.registrations is missing'],
  ['launch', { registrations: {} }, 'options.registrations is an object; it must be a list'],
  ['callback', { registrations: [{ id: 'x' }] }, 'options.registrations has no iss at index 0'],
  ['callback', { registrations }, 'options.publicUrl is missing'],
  [
    'callback',
    { registrations, publicUrl: `${publicUrl}/` },
    'options.publicUrl ends with a slash',
  ],
  [
    'proxy',
    { registrations, publicUrl: 'app.example.org' },
    'options.publicUrl is no absolute http or https address',
  ],
  [
    'proxy',
    { registrations, publicUrl, fhirAlias: 'never' },
    `options.fhirAlias is 'never'; it may be 'scripts' or 'always'`,
  ],
  [
    'proxy',
    { registrations, publicUrl, token: 'secret token' },
    'options.token is another text; it must be a function',
  ],
  ['discovery', {}, 'options.registrations is missing'],
  ['authorization-server', {}, 'options.registrations is missing'],
  ['renewal', {}, 'options.registrations is missing'],
  ['backchannel-logout', {}, 'options.registrations is missing'],
  ['tickets', { registrations }, 'options.sealer is missing'],
  ['session-store', {}, 'options.sealer is missing'],
  [
    'session-store',
    { sealer: { seal() {}, open() {}, recordId() {} }, idleMs: 0 },
    'options.idleMs is a number; it must be a number above zero',
  ],
  ['guard', {}, 'options.publicUrl is missing'],
  [
    'guard',
    { publicUrl, frontendOrigins: 'x' },
    `options.frontendOrigins is 'x'; it must be a list of texts`,
  ],
  ['sessions', { publicUrl }, 'options.ehrs is missing'],
  ['session-events', { publicUrl }, 'options.ehrs is missing'],
  ['cookies', {}, 'options.keys is missing'],
  [
    'cookies',
    { keys: {}, ticketSameSite: 'none' },
    `options.ticketSameSite is 'none'; it may be 'strict' or 'lax'`,
  ],
  ['jwks', {}, 'options.keySet is missing'],
]

for (const [name, options, message] of wrong) {
  test(`[GU7] ${name} says: ${message}`, async () => {
    assert.equal(await register(name, options, ALL), `fhirstorm-${name}: ${message}`)
  })
}

// From JSON or the environment: whatever the guide says is a number, a switch, or an object of numbers.
const kinds =
  /^(`[\d_]+`|`true`|`false`|\d+ (MiB|minutes|hours)|one hour|a day|12 hours, 10 minutes|`\{ perBrowser)/
const objects = ['limits', 'pace', 'rateLimit', 'rules', 'lifetimes', 'ehrNames', 'frameAncestors']

for (const [name, section] of readSections()) {
  if (['verify', 'admin', 'frontend'].includes(name)) continue
  for (const [, option = '', told = ''] of section.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)) {
    if (!kinds.test(told) && !objects.includes(option)) continue
    test(`[GU7] ${name} takes no text, null or object of texts for ${option}`, async () => {
      for (const value of ['7 secrets', 'false', null, { max: '7', timeWindow: 'a minute' }]) {
        const said = await register(name, { [option]: value }, ALL)
        const start = `fhirstorm-${name}: options.${option} `
        assert.ok(said.startsWith(start) && !said.includes('secrets'), said)
      }
    })
  }
}

test('[GU7] a part that is missing is told with the plugin that brings it', async () => {
  for (const name of globSync('plugins/*.ts').map(path => parse(path).name)) {
    const said = await register(name, { registrations: [], publicUrl, ehrs: [] }, [])
    assert.doesNotMatch(said, /undefined|FST_ERR|Cannot read/, name)
    const needs =
      /^fhirstorm-([\w-]+) needs app\.(\w+): register fhirstorm-([\w-]+) before it$/.exec(said)
    if (needs) {
      const [, speaker, part, bringer = ''] = needs
      assert.equal(speaker, name)
      assert.ok(globSync(`plugins/${bringer}.ts`).length === 1, `${part} of ${bringer}`)
    }
  }
  assert.equal(
    await register('health', {}, []),
    'fhirstorm-health needs app.smartVault: register fhirstorm-vault before it',
  )
})
