import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { faces } from '../../sandbox/faces/faces.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { APP_URL, json } from './app.ts'

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
})
after(() => sandbox.close())

interface Statement {
  resourceType: string
  fhirVersion: string
  rest: { security: { extension: { url: string; extension: Record<string, string>[] }[] } }[]
}

/** The children of the oauth-uris extension of a statement, by name. */
function readUris(statement: Statement): Record<string, string | undefined> {
  const extension = statement.rest[0]?.security.extension.find(({ url }) => url === OAUTH_URIS)
  return Object.fromEntries(extension?.extension.map(({ url, valueUri }) => [url, valueUri]) ?? [])
}

test('the R4 face describes its authorization server in a SMART configuration', async () => {
  const response = await fetch(`${sandbox.base('r4')}/.well-known/smart-configuration`)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/json')
  const document = await json<Record<string, string[]>>(response)
  assert.equal(document.issuer, sandbox.url)
  assert.equal(document.authorization_endpoint, `${sandbox.url}/oauth/authorize`)
  assert.equal(document.token_endpoint, `${sandbox.url}/oauth/token`)
  assert.deepEqual(document.code_challenge_methods_supported, ['S256'])
  assert.ok(document.capabilities?.includes('launch-ehr'))
})

test('a SMART configuration that did not change is answered with 304', async () => {
  const url = `${sandbox.base('r4')}/.well-known/smart-configuration`
  const etag = (await fetch(url)).headers.get('etag') ?? ''
  const again = await fetch(url, { headers: { 'if-none-match': etag } })
  assert.equal(again.status, 304)
})

test('the R4 CapabilityStatement names the same endpoints', async () => {
  const response = await fetch(`${sandbox.base('r4')}/metadata`)
  assert.equal(response.headers.get('content-type'), 'application/fhir+json; charset=utf-8')
  const statement = await json<Statement>(response)
  assert.equal(statement.resourceType, 'CapabilityStatement')
  assert.equal(statement.fhirVersion, '4.0.1')
  assert.equal(readUris(statement).authorize, `${sandbox.url}/oauth/authorize`)
  assert.equal(readUris(statement).token, `${sandbox.url}/oauth/token`)
})

test('the DSTU2 face has a Conformance statement and no SMART configuration', async () => {
  const missing = await fetch(`${sandbox.base('dstu2')}/.well-known/smart-configuration`)
  assert.equal(missing.status, 404)
  const response = await fetch(`${sandbox.base('dstu2')}/metadata`)
  assert.equal(response.headers.get('content-type'), 'application/json+fhir; charset=utf-8')
  const statement = await json<Statement>(response)
  assert.equal(statement.resourceType, 'Conformance')
  assert.equal(statement.fhirVersion, '1.0.2')
  assert.equal(readUris(statement).token, `${sandbox.url}/oauth/token`)
})

test('the issuer has an OpenID configuration and keys without their private parts', async () => {
  const configuration = await json<Record<string, string>>(
    fetch(`${sandbox.url}/.well-known/openid-configuration`),
  )
  assert.equal(configuration.issuer, sandbox.url)
  const { keys } = await json<{ keys: Record<string, string>[] }>(
    fetch(configuration.jwks_uri ?? ''),
  )
  assert.equal(keys.length, 1)
  assert.equal(keys[0]?.alg, 'RS256')
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.equal(keys[0]?.[member], undefined)
})

test('metadata comes as XML where that is asked for', async () => {
  const response = await fetch(`${sandbox.base('r4')}/metadata?_format=xml`)
  assert.equal(response.headers.get('content-type'), 'application/fhir+xml; charset=utf-8')
  assert.match(await response.text(), /<CapabilityStatement xmlns="http:\/\/hl7.org\/fhir">/)
})

test('every face has a name and an address of its own', () => {
  const names = faces.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/)
})

test('every face that answers at all answers both discovery documents', async () => {
  const quick = faces.filter(({ name }) => !/slow|dripping|huge|bomb/.test(name))
  for (const { name } of quick.filter(({ connection }) => connection === undefined)) {
    for (const path of ['/.well-known/smart-configuration', '/metadata']) {
      const response = await fetch(`${sandbox.base(name)}${path}`, { redirect: 'manual' })
      await response.text().catch(() => {})
      assert.ok(response.status >= 200 && response.status < 600, `${name}${path}`)
      assert.notEqual(response.status, 500, `${name}${path}`)
    }
  }
})

test('[LD-01, LD-03, LD-09] old statements of every shape name endpoints that work', async () => {
  for (const name of ['stu3', 'ld-01', 'ld-03', 'ld-04', 'ld-10', 'ld-11']) {
    const statement = await json<Statement>(fetch(`${sandbox.base(name)}/metadata`))
    const { authorize, token } = readUris(statement)
    assert.equal(authorize, `${sandbox.url}/faces/${name}/oauth/authorize`)
    const refused = await fetch(token ?? '', { method: 'POST' })
    assert.equal(refused.status, 400)
    assert.equal((await json(refused)).error, 'invalid_request')
  }
})

test('[LD-07] a server of XML writes JSON only when asked', async () => {
  const url = `${sandbox.base('ld-07')}/metadata`
  assert.match((await fetch(url)).headers.get('content-type') ?? '', /xml/)
  const json = await fetch(url, { headers: { accept: 'application/fhir+json' } })
  assert.match(json.headers.get('content-type') ?? '', /json/)
})
