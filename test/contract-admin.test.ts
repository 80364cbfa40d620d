// openapi-admin.yaml against a running process, both ways: each operation is served as it is written down, and
// each route is in it. What an operator changes there is changed, until it is undone.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'
import { logIn } from './flow/login.ts'
import { createBrowser } from './world/browser.ts'
import { type ProcessWorld, startProcessWorld } from './world/process-world.ts'

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document
const contract: any = parse(readFileSync('openapi-admin.yaml', 'utf8'))
const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)
ajv.addSchema(contract, 'admin')

let world: ProcessWorld
before(async () => {
  world = await startProcessWorld({
    configure(document) {
      document.log = { level: 'info' }
    },
  })
})
after(() => world.close())

/** A call whose answer has one of the shapes that are written down for it. */
async function call(method: string, path: string, body?: object) {
  const headers = body === undefined ? undefined : { 'content-type': 'application/json' }
  const answer = await fetch(world.admin + path, { method, headers, body: JSON.stringify(body) })
  const { status } = answer
  const text = await answer.text()
  const [type = ''] = (answer.headers.get('content-type') ?? '').split(';', 1)
  const [pattern = ''] = path.split('?', 1)
  const { responses } = contract.paths[pattern][method.toLowerCase()]
  const written = responses[status] ?? responses.default
  const [, name] = /^#\/components\/responses\/(\w+)$/.exec(written.$ref ?? '') ?? []
  const { content } = name === undefined ? written : contract.components.responses[name]
  assert.ok(content[type], `${method} ${path}: ${status} ${type}`)
  if (type === 'text/plain') return { status, json: undefined, text }
  const place = name
    ? `components/responses/${name}`
    : `paths/${pattern.replace('/', '~1')}/${method.toLowerCase()}/responses/${status}`
  const check = ajv.getSchema(`admin#/${place}/content/${type.replaceAll('/', '~1')}/schema`)
  assert.ok(check, place)
  const json = JSON.parse(text)
  assert.ok(check(json), `${method} ${path}: ${JSON.stringify(check.errors)} ${text}`)
  return { status, json, text }
}

const linesSince = (from: number) =>
  world.broker.output
    .slice(from)
    .join('')
    .split('\n')
    .flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))

/** The first line since then that is so; the log is written in batches. */
async function lineSince(from: number, isSo: (line: Record<string, unknown>) => boolean) {
  for (let tries = 0; tries < 1_200; tries++) {
    const found = linesSince(from).find(isSo)
    if (found) return found
    await pause(50)
  }
  throw new Error(`no such line: ${isSo}`)
}

test('[AD8] every operation is served, and every route is written down', async () => {
  const sources = globSync('plugins/admin.ts').map(path => readFileSync(path, 'utf8'))
  const routes = [...sources.join('').matchAll(/\bapp\.(get|put|post|delete)\('(\/[^']+)'/g)]
  const operations = Object.entries<object>(contract.paths).flatMap(([path, item]) =>
    Object.keys(item).flatMap(method => (method === 'parameters' ? [] : `${method} ${path}`)),
  )
  assert.deepEqual(routes.map(([, method, path]) => `${method} ${path}`).sort(), operations.sort())
  for (const path of ['/metrics', '/ehrs', '/sessions', '/log-level', '/drain']) {
    assert.equal((await call('GET', path)).status, 200, path)
  }
  assert.equal((await call('POST', '/reload')).status, 200)
  assert.equal((await call('DELETE', '/sessions?all=true')).status, 200)
})

test('[AD7] who is in the log is in the list, and ends by what the log says', async () => {
  const from = world.broker.output.length
  const browser = createBrowser()
  const { id } = await logIn(world, browser, 'amy-shaw')
  const login = await lineSince(from, ({ event }) => event === 'login')
  assert.ok(login.user && login.session)
  const { json } = await call('GET', `/sessions?user=${login.user}`)
  assert.deepEqual([json.length, json[0].user], [1, login.user])
  assert.ok(json[0].record.startsWith(login.session))
  assert.equal((await call('GET', '/sessions?ehr=general&patient=amy-shaw')).json.length, 1)
  assert.equal((await call('GET', '/sessions?ehr=general&patient=ben')).json.length, 0)
  assert.deepEqual((await call('DELETE', `/sessions?record=${login.session}`)).json, { ended: 1 })
  assert.equal((await browser.fetch(`${world.app}/sessions/${id}`)).status, 401)
  const act = await lineSince(from, ({ reason, sessions }) => {
    return reason === 'sessions_ended' && sessions !== 0
  })
  assert.deepEqual(
    [act.reason, act.ehr, act.sessions, act.caller],
    ['sessions_ended', 'general', 1, '127.0.0.1'],
  )
  assert.equal((await call('DELETE', '/sessions?ehr=general&usr=x')).status, 400)
})

test('[AD8] while it drains no login begins and it is not ready; sessions go on, and one that was begun ends', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const late = createBrowser()
  const begun = await late.navigate(`${world.app}/login?ehr=general`, () => true)
  const from = world.broker.output.length
  assert.equal((await call('POST', '/drain')).json.draining, true)
  const iss = encodeURIComponent(`${world.sandbox.url}/r4`)
  for (const path of ['/login', '/login?ehr=general', `/launch?iss=${iss}&launch=x`]) {
    const page = await createBrowser().navigate(world.app + path, () => true)
    assert.deepEqual(
      [page.status, page.headers.get('proxy-status')?.includes('draining')],
      [503, true],
    )
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  }
  await lineSince(from, ({ code, route, ehr }) => {
    return code === 'draining' && route === '/launch' && ehr === 'general'
  })
  assert.equal((await fetch(`${world.app}/readyz`)).status, 503)
  await lineSince(from, ({ code, route }) => code === 'draining' && route === '/readyz')
  assert.doesNotMatch(world.broker.output.slice(from).join(''), /"msg":"refused"/)
  assert.equal((await fetch(`${world.app}/healthz`)).status, 200)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  const ended = await late.navigate(`${begun.headers.get('location')}&patient=amy-shaw&auto=1`)
  assert.match(ended.url, /session=[\w-]{22}/)
  // A reload changes nothing about it.
  assert.equal((await call('POST', '/reload')).status, 200)
  assert.equal((await fetch(`${world.app}/readyz`)).status, 503)
  assert.deepEqual((await call('POST', '/drain?ready=true')).json.ready, true)
  assert.equal((await fetch(`${world.app}/readyz`)).status, 200)
  assert.equal((await createBrowser().navigate(`${world.app}/login`, () => true)).status, 503)
  assert.equal((await call('POST', '/drain?ready=maybe')).status, 400)
  assert.deepEqual((await call('DELETE', '/drain')).json, { draining: false, ready: true })
  assert.equal((await fetch(`${world.app}/readyz`)).status, 200)
  await logIn(world, createBrowser(), 'amy-shaw')
})

test('[AD8] the log level holds until the next reload, for every line', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const read = () => browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  const isRead = ({ msg, route }: Record<string, unknown>) =>
    msg === 'request' && String(route).endsWith('/fhir/*')
  let from = world.broker.output.length
  await read()
  await lineSince(from, isRead)
  assert.equal(linesSince(from).filter(({ msg }) => msg === 'call').length, 0)

  from = world.broker.output.length
  await call('PUT', '/log-level', { level: 'debug' })
  await read()
  const line = await lineSince(from, ({ msg }) => msg === 'call')
  assert.deepEqual(
    [line.level, line.ehr, line.kind, line.status],
    ['debug', 'general', 'fhir', 200],
  )

  await call('PUT', '/log-level', { level: 'warn' })
  from = world.broker.output.length
  await read()
  assert.equal((await call('POST', '/reload')).status, 200)
  assert.deepEqual((await call('GET', '/log-level')).json, { level: 'info' })
  await read()
  await lineSince(from, isRead)
  assert.equal(linesSince(from).filter(isRead).length, 1)
  assert.equal((await call('PUT', '/log-level', { level: 'silent' })).status, 400)
})
