// docs/plugins.md is whole and true: every plugin has its section, with all that it needs and all of its
// options, and its example does what it says. The examples run on the sources; that they compile and run
// from the package is for package.test.ts.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, parse, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts'
import { tutorialClient } from '../sandbox/tutorial-client.ts'
import { makeKeyRing, printKeyRing } from '../src/keys.ts'
import { type LoggedIn, logIn } from './flow/login.ts'
import { readExamples, readParts, readSections, settle } from './package/guide.ts'
import { type Answer, type Browser, createBrowser, type Visit } from './world/browser.ts'
import { adopt, end } from './world/children.ts'
import { removeFolder } from './world/folder.ts'
import { findPort } from './world/port.ts'

const plugins = globSync('plugins/*.ts').map(path => parse(path).name)
const sections = readSections()

test('every plugin has a section and an example, and no section is of none', () => {
  assert.deepEqual([...sections.keys()].sort(), plugins.toSorted())
  const parts = [...readParts().keys()].filter(name => name !== 'begin' && name !== 'end')
  assert.deepEqual(parts, [...sections.keys()])
})

for (const name of plugins) {
  const section = sections.get(name) ?? ''
  const source = readFileSync(`plugins/${name}.ts`, 'utf8')

  test(`the section of ${name} tells its options, and no others`, () => {
    const rows = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, option = '']) => option)
    assert.deepEqual(rows.sort(), listOptions(source).sort())
  })

  test(`the section of ${name} tells which options are required, and what the others are without them`, () => {
    const [, body = ''] = /export interface \w+Options[^{]*\{\n([\s\S]*?)\n\}/.exec(source) ?? []
    for (const [, option = '', told = ''] of section.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)) {
      const [, isOptional] = new RegExp(`^ {2}${option}(\\?)?[:(]`, 'm').exec(body) ?? []
      const isOwn = new RegExp(`^ {2}${option}\\??[:(]`, 'm').test(body)
      if (isOwn) assert.equal(told.startsWith('required'), isOptional === undefined, option)
      // What stands in the source as a plain value, in a pattern or behind `??`.
      const [, value] =
        new RegExp(
          `(?:\\b${option} =|\\.${option} \\?\\?) ('[^']*'|[\\d_]+|true|false)(?=[,)} \n]|$)`,
        ).exec(source) ?? []
      const [, plain] = /^`([^`]*)`$/.exec(told) ?? []
      if (value === undefined || plain === undefined) continue
      const bare = (text: string) => text.replaceAll(/['_]/g, '')
      assert.equal(bare(plain), bare(value), option)
    }
  })

  test(`the section of ${name} tells what it needs, and what it brings`, async () => {
    const { default: plugin } = await import(pathToFileURL(`plugins/${name}.ts`).href)
    const meta = plugin[Symbol.for('plugin-meta')]
    assert.equal(meta.name, `fhirstorm-${name}`)
    const [, needs = ''] = /^- Needs ([\s\S]*?)\./m.exec(section) ?? []
    for (const decorator of meta.decorators?.fastify ?? []) {
      assert.ok(needs.includes(`\`${decorator}\``), `${name} needs ${decorator}`)
    }
    for (const [, decorator] of source.matchAll(/app\.decorate\('(\w+)'/g)) {
      assert.ok(section.includes(`\`app.${decorator}\``), `${name} brings ${decorator}`)
    }
    for (const [, path = ''] of source.matchAll(
      /app\.(?:get|head|post|put|patch|delete)\(\s*'(\/[^':]*)/g,
    )) {
      assert.ok(section.includes(path), `${name} has the route ${path}`)
    }
    for (const [, code] of source.matchAll(/new BrokerError\('(\w+)'(?! in )/g)) {
      // Told by the page, and what the guard and the frontend's 404 refuse with is said there.
      assert.ok(section.includes(`\`${code}\``) || code === 'not_found', `${name} refuses ${code}`)
    }
  })
}

interface Running {
  /** Public URL. */
  app: string
  folder: string
  stop(): Promise<void>
}

let sandbox: Sandbox
let running: Running
let operators: string
let browser: Browser
let login: LoggedIn

before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: 'http://localhost' })
  const [port, adminPort] = [await findPort(), await findPort()]
  operators = `http://localhost:${adminPort}`
  running = await startExample([...readParts().values()].join('\n'), { port, adminPort }, '')
  browser = createBrowser()
  login = await logIn({ app: running.app, sandbox }, browser, 'amy-shaw')
})
after(async () => {
  await running?.stop()
  await sandbox?.close()
})

/** Writes an example that runs on the sources, with a configuration of its own below a path. */
async function writeExample(
  text: string,
  ports: { port: number; adminPort?: number },
  path: string,
): Promise<Pick<Running, 'app' | 'folder'>> {
  mkdirSync('reports', { recursive: true })
  const folder = resolve(mkdtempSync(join('reports', 'guide-')))
  const places = { ...ports, iss: `${sandbox.url}/r4`, clientId: tutorialClient.id }
  const write = (name: string, content: string) =>
    writeFileSync(join(folder, name), content, { mode: 0o600 })
  const app = `http://localhost:${ports.port}${path}`
  const config = settle(readExamples().get('fhirstorm.yaml') ?? '', places)
  write('fhirstorm.yaml', config.replace(/^publicUrl: .*$/m, `publicUrl: ${app}`))
  write('keys.json', printKeyRing(makeKeyRing()))
  write('client-secret', tutorialClient.secret)
  const onSources = settle(text, places)
    .replaceAll(/'fhirstorm\/plugins\/([\w-]+)'/g, `'../../plugins/$1.ts'`)
    .replaceAll(`'fhirstorm'`, `'../../program/index.ts'`)
  write('example.ts', onSources)
  await sandbox.moveApp(app)
  return { app, folder }
}

/** Runs it until it answers. */
async function startExample(...example: Parameters<typeof writeExample>): Promise<Running> {
  const { app, folder } = await writeExample(...example)
  const child = adopt(spawn(process.execPath, ['example.ts'], { cwd: folder, stdio: 'pipe' }))
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => output.push(String(chunk)))
  }
  while (!(await fetch(`${app}/sessions`).catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`the example ended: ${output.join('')}`)
    await new Promise(done => setTimeout(done, 50))
  }
  return {
    app,
    folder,
    async stop() {
      await end(child, 'SIGKILL')
      removeFolder(folder)
    },
  }
}

const get = (path: string, visit?: Visit) => browser.fetch(running.app + path, visit)
const codeOf = (answer: Answer) => [answer.status, answer.json<{ code: string }>().code]

/** What each example does, seen from outside. */
const examples: Record<string, () => Promise<void>> = {
  async metrics() {
    const { text } = await get('/metrics')
    const started = /^fhirstorm_session_events_total\{event="started",ehr="general"\} [1-9]/m
    assert.ok(started.test(text), 'the login is not counted')
  },
  // There is no SDK in that process: calls to the EHR are timed all the same.
  async tracing() {
    const { text } = await get('/metrics')
    assert.match(text, /^http_client_request_duration_seconds_count\{ehr="general",kind="code"/m)
  },
  async audit() {
    const events = (await get('/recorded')).json<{ subtype: { code: string }[] }[]>()
    assert.ok(events.some(({ subtype }) => subtype[0]?.code === 'ITI-71'))
  },
  async errors() {
    assert.deepEqual(codeOf(await get('/gone')), [401, 'session_expired'])
    assert.match((await get('/gone')).headers.get('proxy-status') ?? '', /session_expired/)
  },
  async 'security-headers'() {
    const { headers } = await get('/plain')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('strict-transport-security'), null)
  },
  async guard() {
    assert.equal((await get('/data')).text, 'for our own pages')
    const foreign = await get('/data', { headers: { 'sec-fetch-site': 'cross-site' } })
    assert.deepEqual(codeOf(foreign), [403, 'cross_site'])
    const elsewhere = await browser.fetch(running.app.replace('localhost', '127.0.0.1'))
    assert.deepEqual(codeOf(elsewhere), [421, 'unknown_host'])
  },
  async 'whole-requests'() {
    const { port } = new URL(running.app)
    const { promise, resolve: hear } = Promise.withResolvers<string>()
    const socket = connect({ port: Number(port), host: 'localhost' })
    socket.setEncoding('utf8').once('data', hear)
    socket.write(
      `POST /note HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nhalf`,
    )
    assert.match(await promise, /^HTTP\/1.1 408 /)
    socket.destroy()
    const whole = { method: 'POST', body: 'a note', headers: { 'content-type': 'text/plain' } }
    assert.equal((await get('/note', whole)).text, 'noted')
  },
  async 'read-answers'() {
    assert.equal((await get('/long')).text.length, 100_000)
  },
  async pressure() {
    assert.equal((await get('/alive')).text, 'alive')
  },
  async limits() {
    await get('/rare')
    await get('/rare')
    const third = await get('/rare')
    assert.deepEqual(codeOf(third), [429, 'too_many_requests'])
    assert.ok(Number(third.headers.get('retry-after')) > 0)
  },
  async vault() {
    assert.equal((await get('/store')).text, 'the store answers')
  },
  async cookies() {
    assert.deepEqual((await get('/sealed')).json(), { asLaunch: { theme: 'dark' }, asTicket: null })
  },
  async discovery() {
    const { authorizationEndpoint } = (await get('/authorization')).json<{
      authorizationEndpoint: string
    }>()
    assert.ok(authorizationEndpoint.startsWith(sandbox.url))
  },
  async state() {
    assert.deepEqual((await get('/twice')).json(), { returnTo: '/', again: 'state_used' })
  },
  async 'authorization-server'() {
    const { tokenEndpoint } = (await get('/token-endpoint')).json<{ tokenEndpoint: string }>()
    assert.ok(tokenEndpoint.startsWith(sandbox.url))
  },
  async 'session-store'() {
    assert.ok((await get('/count')).json<{ sessions: number }>().sessions >= 1)
  },
  async tickets() {
    const [user] = (await get('/whoami')).json<string[]>()
    assert.match(user ?? '', /Practitioner|Patient/)
    assert.deepEqual((await createBrowser().fetch(`${running.app}/whoami`)).json(), [])
  },
  async renewal() {
    const { birthDate } = (await get(`/sessions/${login.id}/birth`)).json<{ birthDate: string }>()
    assert.match(birthDate, /^\d{4}-/)
  },
  async 'facade-documents'() {
    const path = '/smart/general/.well-known/smart-configuration'
    const { issuer } = (await get(path)).json<{ issuer: string }>()
    assert.equal(issuer, `${running.app}/smart/general`)
  },
  async facade() {
    const begun = await browser.navigate(`${running.app}/smart/general/authorize?client_id=other`)
    assert.match(begun.headers.get('proxy-status') ?? '', /facade_client_invalid/)
    const { text } = await get('/smart/general/token', {
      ...{ method: 'POST', body: 'grant_type=authorization_code&code=none' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.equal(JSON.parse(text).error, 'invalid_request')
  },
  async launch() {
    const begun = await browser.navigate(`${running.app}/login?ehr=nobody`)
    assert.equal(begun.status, 400)
    assert.match(begun.headers.get('proxy-status') ?? '', /unknown_ehr/)
  },
  async callback() {
    assert.equal(login.landing.url, `${running.app}/plain?session=${login.id}`)
    assert.equal(login.landing.text, 'plain')
  },
  async sessions() {
    const [session] = (await get('/sessions')).json<{ id: string; patient: string }[]>()
    assert.deepEqual([session?.id, session?.patient], [login.id, 'amy-shaw'])
  },
  async 'session-events'() {
    const cookie = [...browser.cookies(running.app)].map(pair => pair.join('=')).join('; ')
    const headers = { cookie, 'sec-fetch-site': 'same-origin' }
    const { body } = await fetch(`${running.app}/sessions/events`, { headers })
    const reader = body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    assert.match(new TextDecoder().decode(value), /^event: sessions/m)
    await reader?.cancel()
  },
  async proxy() {
    const patient = await browser.fetch(`${login.fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(patient.json<{ id: string }>().id, 'amy-shaw')
  },
  async logout() {
    const another = createBrowser()
    const { id } = await logIn({ app: running.app, sandbox }, another, 'ben-ortega')
    const left = await another.fetch(`${running.app}/sessions/${id}`, { method: 'DELETE' })
    assert.match(left.json<{ endSessionUrl: string }>().endSessionUrl, /^http/)
    assert.equal((await another.fetch(`${running.app}/sessions/${id}`)).status, 401)
  },
  async 'backchannel-logout'() {
    const forged = await fetch(`${running.app}/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: 'forged' }),
    })
    assert.equal(((await forged.json()) as { code: string }).code, 'logout_token_invalid')
    const another = createBrowser()
    const { id } = await logIn({ app: running.app, sandbox }, another, 'ben-ortega')
    assert.equal((await another.fetch(`${running.app}/sessions/${id}`)).status, 200)
  },
  async jwks() {
    assert.deepEqual((await get('/.well-known/jwks.json')).json(), { keys: [] })
  },
  async health() {
    const answer = await fetch(`http://127.0.0.1:${new URL(running.app).port}/probes/readyz`)
    assert.deepEqual(await answer.json(), { status: 'ok' })
  },
  async contract() {
    assert.match((await get('/openapi.yaml')).text, /^openapi: /)
    assert.match((await get('/docs')).text, /<html/)
  },
  async frontend() {
    assert.match((await get('/')).text, /href="\/login\?ehr=general"/)
  },
  async verify() {
    const named = await get(`/who?session=${login.id}`)
    assert.deepEqual(named.json(), { patient: 'amy-shaw' })
    const stranger = await createBrowser().fetch(`${running.app}/who?session=${login.id}`)
    assert.deepEqual(stranger.json(), { patient: null })
  },
  async admin() {
    const found = await fetch(`${operators}/sessions?ehr=general`)
    assert.ok(((await found.json()) as unknown[]).length > 0)
    const page = await fetch(`${operators}/sessions`, { headers: { origin: running.app } })
    assert.equal(page.status, 403)
  },
}

for (const name of plugins) {
  test(`the example of ${name} does what it says`, async () => {
    await (examples[name] ?? assert.fail(`nobody looks at the example of ${name}`))()
  })
}

test('a route inside the scope has the decorators of the product, and is refused as it is', async t => {
  const text = readExamples().get('inside.ts') ?? assert.fail('there is no example')
  const inside = await startExample(text, { port: await findPort() }, '/bff')
  t.after(() => inside.stop())
  const visitor = createBrowser()
  const { id } = await logIn({ app: inside.app, sandbox }, visitor, 'amy-shaw')
  const { seconds } = (await visitor.fetch(`${inside.app}/sessions/${id}/age`)).json<{
    seconds: number
  }>()
  assert.ok(seconds >= 0)
  const stranger = await createBrowser().fetch(`${inside.app}/sessions/${id}/age`)
  assert.deepEqual(codeOf(stranger), [401, 'session_invalid'])
})

test('the test of an app logs in at the sandbox, and fails where the record is another', async t => {
  const text = readExamples().get('app.test.ts') ?? assert.fail('there is no example')
  const atSandbox = text.replaceAll('http://127.0.0.1:5001', sandbox.url)
  for (const [patient, status] of [
    ['amy-shaw', 0],
    ['jack-oconnor', 1],
  ] as const) {
    const asked = atSandbox.replace('auto?patient=amy-shaw', `auto?patient=${patient}`)
    const { folder } = await writeExample(asked, { port: await findPort() }, '/bff')
    t.after(() => removeFolder(folder))
    const child = adopt(spawn(process.execPath, ['example.ts'], { cwd: folder, stdio: 'pipe' }))
    const output: string[] = []
    child.stdout.on('data', chunk => output.push(String(chunk)))
    const [code] = await once(child, 'close')
    assert.equal(code, status, output.join(''))
    assert.match(output.join(''), status === 0 ? /pass 1/ : /fail 1/)
  }
})

/** Names of the members of the plugin's options, those of the types that they are made of included. */
function listOptions(source: string): string[] {
  const [, parents = '', body = ''] =
    /export interface \w+Options(?:\s+extends ([^{]*))? \{\n([\s\S]*?)\n\}/.exec(source) ??
    /options: (Partial<\w+Limits>)()/.exec(source) ??
    []
  const own = [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, name = '']) => name)
  const inherited = [...parents.matchAll(/(?:(Pick|Omit)<)?(\w+), ?((?:'\w+'[ |]*)+)|(\w+Limits)/g)]
  return [...new Set([...own, ...inherited.flatMap(listInherited)])]
}

const readInterface = (name: string): string[] => {
  for (const path of globSync('src/**/*.ts')) {
    const [, body] =
      new RegExp(`export interface ${name}(?: extends [^{]*)? \\{\\n([\\s\\S]*?)\\n\\}`).exec(
        readFileSync(path, 'utf8'),
      ) ?? []
    if (body !== undefined) return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, own = '']) => own)
  }
  return assert.fail(`there is no interface ${name}`)
}

function listInherited([, how, name = '', list = '', limits]: RegExpExecArray): string[] {
  if (limits !== undefined) return readInterface(limits)
  const named = [...list.matchAll(/'(\w+)'/g)].map(([, one = '']) => one)
  return how === 'Omit' ? readInterface(name).filter(one => !named.includes(one)) : named
}
