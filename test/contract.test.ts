// openapi.yaml against the product, both ways: each operation is served, each route is described, and
// answers have the shape that is written down.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'
import { faultCodes } from '../src/errors.ts'
import { logIn } from './flow/login.ts'
import { createBrowser } from './world/browser.ts'
import { createWorld, type World } from './world/world.ts'

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document
const contract: any = parse(readFileSync('openapi.yaml', 'utf8'))
const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)
ajv.addSchema(contract, 'openapi.yaml')
let world: World

before(async () => {
  world = await createWorld({
    configure(document) {
      document.frontend = {}
      document.apis = [{ id: 'notes', audience: 'https://api.example.org' }]
      document.facade = { launchUrl: '/launch.html', redirectUris: ['/'], clientId: 'app' }
    },
  })
})
after(() => world.close())

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

function listOperations(): string[] {
  return Object.entries(contract.paths).flatMap(([path, item]) =>
    METHODS.filter(method => method in (item as object)).map(
      method => `${method.toUpperCase()} ${path}`,
    ),
  )
}

/** Fastify's routes as the contract writes them. */
function listRoutes(): string[] {
  const tree = world.server.printRoutes({ commonPrefix: false, includeHooks: false })
  const routes: string[] = []
  const parents: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^((?:[│ ] {3})*)[├└]── (\S+)(?: \(([^)]+)\))?/.exec(line)
    if (!match) continue
    const depth = (match[1] ?? '').length / 4
    parents.length = depth
    parents[depth] = match[2] ?? ''
    const path = parents
      .join('')
      .replace(/:(\w+)/g, '{$1}')
      .replace(/\/?\*/, '/{path}')
    for (const method of (match[3] ?? '').split(', ').filter(Boolean)) {
      if (METHODS.includes(method.toLowerCase())) routes.push(`${method} ${path}`)
    }
  }
  return routes
}

test('every operation of the contract is served, and every route is in the contract', () => {
  // What lies below the FHIR base is one route, and written down by its shapes.
  const written = listOperations().map(line => line.replace(/(\/fhir)\/\{type\}.*/, '$1/{path}'))
  const operations = [...new Set(written)].sort()
  const routes = listRoutes()
    .filter(route => route !== 'GET /' && !route.includes('\0'))
    .sort()
  assert.deepEqual(routes, operations)
})

test('the contract names every code that a refusal can have, and no other', () => {
  assert.deepEqual(contract.components.schemas.FaultCode.enum, faultCodes)
})

for (const isPlain of [false, true]) {
  test(`what is read with nothing to show gets a documented answer, ${isPlain ? 'without' : 'with'} façade and APIs`, async () => {
    const asked = isPlain ? await createWorld({}) : world
    try {
      for (const [path, { get }] of Object.entries<{ get?: { responses: object } }>(
        contract.paths,
      )) {
        if (get === undefined) continue
        const target = path.replace('{ehr}', 'general').replace(/\{\w+\}/g, 'Some')
        const answer = await fetch(asked.app + target, { redirect: 'manual' })
        await answer.body?.cancel()
        const { status } = answer
        const known = [`${status}`, `${Math.floor(status / 100)}XX`, 'default']
        assert.ok(
          known.some(name => name in get.responses),
          `${path}: ${status}`,
        )
      }
    } finally {
      if (isPlain) await asked.close()
    }
  })
}

test('each operation has an id of its own', () => {
  const operations = Object.values<Record<string, { operationId?: string }>>(contract.paths)
  const ids = operations.flatMap(item => METHODS.flatMap(method => item[method] ?? []))
  const names = ids.map(({ operationId }) => operationId)
  assert.ok(names.every(name => /^[a-z][A-Za-z]+$/.test(name ?? '')))
  assert.equal(new Set(names).size, names.length)
})

function validate(reference: string, value: unknown): void {
  const check = ajv.getSchema(`openapi.yaml#/components/schemas/${reference}`)
  assert.ok(check)
  assert.ok(check(value), JSON.stringify(check.errors))
}

test('a session document has the shape of the contract', async () => {
  const browser = createBrowser()
  const { id, document } = await logIn(world, browser, 'amy-shaw')
  validate('Session', document)
  const list = (await browser.fetch(`${world.app}/sessions`)).json<unknown[]>()
  assert.equal(list.length, 1)
  validate('Session', list[0])
  assert.deepEqual((await createBrowser().fetch(`${world.app}/sessions`)).json(), [])
  assert.equal((await browser.fetch(`${world.app}/sessions/${id}?slide=false`)).status, 200)
})

test('refusals are problem documents, OperationOutcomes on FHIR paths, pages on navigations', async () => {
  const browser = createBrowser()
  const problem = await browser.fetch(`${world.app}/sessions/${'A'.repeat(22)}`)
  assert.equal(problem.status, 401)
  assert.match(problem.headers.get('content-type') ?? '', /^application\/problem\+json/)
  validate('Problem', problem.json())
  const outcome = await browser.fetch(`${world.app}/sessions/${'A'.repeat(22)}/fhir/Patient`)
  assert.match(outcome.headers.get('content-type') ?? '', /^application\/fhir\+json/)
  const told = outcome.json<{ issue: [{ details: { coding: [{ code: string }] } }] }>()
  validate('OperationOutcome', told)
  validate('FaultCode', told.issue[0].details.coding[0].code)
  const page = await browser.navigate(`${world.app}/redirect?code=x&state=y`)
  assert.equal(page.status, 400)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  for (const { headers } of [problem, outcome, page]) {
    assert.match(headers.get('proxy-status') ?? '', /^fhirstorm; error=\w+; details="\w+"$/)
  }
})

test('[X9, C9, P11] methods that a path does not know are 405 with Allow', async () => {
  const browser = createBrowser()
  for (const [method, path] of [
    ['GET', '/logout'],
    ['POST', '/redirect'],
    ['HEAD', '/redirect'],
    ['PUT', '/login'],
    ['OPTIONS', '/sessions/x/fhir/Patient'],
  ] as const) {
    const answer = await browser.fetch(world.app + path, { method })
    assert.equal(answer.status, 405, `${method} ${path}`)
    assert.ok(answer.headers.get('allow'))
  }
  assert.equal((await browser.fetch(`${world.app}/nowhere`)).status, 404)
})

test('[AD2] health tells nothing but that all is well, whatever the Host', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const answer = await world.server.inject({ url: path, headers: { host: 'probe.internal' } })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(answer.json(), { status: 'ok' })
  }
  const elsewhere = await world.server.inject({ url: '/ehrs', headers: { host: 'evil.test' } })
  assert.equal(elsewhere.statusCode, 421)
})
