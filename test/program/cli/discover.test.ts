import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { discover } from '../../../program/cli/discover.ts'
import { createAuthority } from '../../network/certificates.ts'
import { listen } from '../../network/listen.ts'
import { removeFolder } from '../../world/folder.ts'

async function run(...args: string[]) {
  const written = { out: '', error: '' }
  const status = await discover(args, {
    out: text => {
      written.out += text
    },
    error: text => {
      written.error += text
    },
  })
  return { status, ...written }
}

function temporaryFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-discover-'))
  t.after(() => removeFolder(folder))
  const path = join(folder, 'ca.pem')
  writeFileSync(path, text)
  return path
}

test('reports an EHR whose authorization server lies elsewhere, over HTTP', async t => {
  const asked: string[] = []
  const login = await listen(t, ({ url = '' }, response) => {
    asked.push(url)
    response.writeHead(404).end()
  })
  const ehr = await listen(t, (request, response) => {
    if (!request.url?.endsWith('/smart-configuration')) return response.writeHead(404).end()
    const at = login.origin
    const endpoints = { authorization_endpoint: `${at}/authorize`, token_endpoint: `${at}/token` }
    response.end(JSON.stringify({ ...endpoints, jwks_uri: `${at}/keys`, issuer: at }))
  })
  const { status, out, error } = await run(`${ehr.origin}/fhir/metadata`)
  assert.equal(status, 0, out + error)
  assert.match(out, new RegExp(`^${ehr.origin}/fhir\n`))
  assert.match(out, new RegExp(`origins: \\["${login.origin}"\\]`))
  // Where the EHR's own session ends, it may say there.
  assert.deepEqual(asked, ['/.well-known/openid-configuration'])
})

test('tells an EHR that cannot be used by status 1', async t => {
  const ehr = await listen(t, (_, response) => response.writeHead(404).end())
  const { status, out } = await run(`${ehr.origin}/fhir`)
  assert.equal(status, 1)
  assert.match(out, /404 {2}http.*\/metadata\n(.*\n)*Not usable\n {2}no_oauth_metadata/)
})

test('trusts the CA that it is given', async t => {
  const authority = createAuthority()
  const tls = authority.issue('IP:127.0.0.1')
  const endpoints = { authorization_endpoint: '/a', token_endpoint: '/t', jwks_uri: '/k' }
  const ehr = await listen(
    t,
    (_, response) => response.end(JSON.stringify({ ...endpoints, issuer: ehr.origin })),
    tls,
  )
  const url = `${ehr.origin}/fhir`
  const without = await run(url)
  assert.equal(without.status, 1)
  assert.match(without.out, /UNABLE_TO_VERIFY_LEAF_SIGNATURE\n/)
  const ca = temporaryFile(t, authority.ca)
  assert.equal((await run(url, '--ca', ca)).status, 0)
})

test('[L5] reports no EHR behind an address that is not public', async () => {
  const { status, out } = await run('https://169.254.169.254/fhir', '--private')
  assert.equal(status, 1)
  assert.match(out, /issuer_unreachable: .*\n {2}ADDRESS_REFUSED/)
})

test('[PS1] tells a host that no name server knows in one line, and no stack', async () => {
  const { promise, resolve } = Promise.withResolvers<{
    status: unknown
    out: string
    error: string
  }>()
  const args = ['bin/fhirstorm.js', 'discover', 'https://ehr.invalid/fhir']
  execFile(process.execPath, args, (fault, out, error) => {
    resolve({ status: fault?.code, out, error })
  })
  const { status, out, error } = await promise
  assert.deepEqual([status, error], [1, ''])
  assert.match(out, /issuer_unreachable: .*\n {2}(ENOTFOUND|EAI_AGAIN)\n {2}No name server knows/)
  assert.doesNotMatch(out, /Error|\bat /)
})

test('names what to register at the EHR, below the public URL where that is told', async t => {
  const ehr = await listen(t, (_, response) => {
    const endpoints = { authorization_endpoint: '/a', token_endpoint: '/t', jwks_uri: '/k' }
    response.end(JSON.stringify({ ...endpoints, issuer: ehr.origin }))
  })
  const known = await run(`${ehr.origin}/fhir`, '--public-url', 'https://app.example.org/bff/')
  assert.match(
    known.out,
    /To register at the EHR\n {2}redirect URI +https:\/\/app\.example\.org\/bff\/redirect\/ehr\n/,
  )
  assert.match(known.out, /launch URL +https:\/\/app\.example\.org\/bff\/launch\n/)
  assert.match(known.out, /redirectPath: \/redirect\/ehr/)
  assert.match(
    (await run(`${ehr.origin}/fhir`)).out,
    /launch URL +https:\/\/YOUR-PUBLIC-URL\/launch\n/,
  )
  assert.equal((await run(`${ehr.origin}/fhir`, '--public-url', 'app')).status, 2)
})

test('says in one line what it cannot ask, by status 2', async t => {
  const asked = [
    [[], /which EHR\?/],
    [['ehr.test'], /must be an https URL/],
    [['http://ehr.test/fhir'], /must be an https URL \(http only on this machine\)/],
    [['https://ehr.test/fhir', '--public-url', 'app'], /--public-url must be a URL/],
  ] as const
  for (const [args, words] of asked) {
    const { status, error } = await run(...args)
    assert.equal(status, 2)
    assert.match(error, /^fhirstorm discover: .* \(fhirstorm discover --help\)\n$/)
    assert.match(error, words)
  }
  for (const ca of ['/nowhere/ca.pem', temporaryFile(t, 'no certificate')]) {
    const { status, error } = await run('https://ehr.test/fhir', '--ca', ca)
    assert.equal(status, 2)
    assert.match(error, /is no readable CA certificate/)
  }
})
