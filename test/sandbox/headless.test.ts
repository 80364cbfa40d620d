import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { APP_URL, createApp } from './app.ts'

const run = promisify(execFile)

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL, ehrIds: ['general'] })
})
after(() => sandbox.close())

test('the choice may stand on the authorization request', async () => {
  const tokens = await createApp(sandbox).login(createBrowser(), {
    parameters: {
      patient: 'ben-ortega',
      user: 'nurse',
      encounter: 'ben-ortega-visit-1',
      auto: '1',
    },
  })
  assert.equal(tokens.patient, 'ben-ortega')
  assert.equal(tokens.encounter, 'ben-ortega-visit-1')
})

test('auto=deny says no', async () => {
  const app = createApp(sandbox)
  const { url } = app.request({ parameters: { patient: 'amy-shaw', auto: 'deny' } })
  const callback = await app.authorize(createBrowser(), url)
  assert.equal(callback.searchParams.get('error'), 'access_denied')
})

test('a prepared browser needs no page once', async () => {
  const app = createApp(sandbox)
  const browser = createBrowser()
  await browser.fetch(`${sandbox.url}/auto?patient=grace-lindqvist`)
  const tokens = await app.login(browser)
  assert.equal(tokens.patient, 'grace-lindqvist')
  const next = await browser.navigate(app.request().url, url => url.startsWith(APP_URL))
  assert.match(next.text, /Choose a patient/)
})

test('another user in the same browser begins a session of their own', async () => {
  const app = createApp(sandbox)
  const browser = createBrowser()
  const subs = []
  for (const user of ['practitioner', 'nurse', 'amy-shaw']) {
    const { id_token: token } = await app.login(browser, {
      parameters: { user, patient: 'amy-shaw', auto: '1' },
    })
    const { sub, sid } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    subs.push([sub, sid])
  }
  assert.deepEqual(
    subs.map(([sub]) => sub),
    ['practitioner', 'nurse', 'amy-shaw'],
  )
  assert.equal(new Set(subs.map(([, sid]) => sid)).size, 3)
})

test('an EHR launch may decide everything, down to its id', async () => {
  const id = 'a+b/c=d%e f&g'.repeat(300)
  const query = new URLSearchParams({
    patient: 'amy-shaw',
    encounter: 'amy-shaw-visit-2',
    user: 'nurse',
    intent: 'reconcile',
    face: 'dstu2',
    ehr: 'general',
    launch: id,
    auto: '1',
  })
  const response = await fetch(`${sandbox.url}/launch-app?${query}`, { redirect: 'manual' })
  const location = new URL(response.headers.get('location') ?? '')
  assert.equal(location.pathname, '/launch/general')
  assert.equal(location.searchParams.get('iss'), sandbox.base('dstu2'))
  assert.equal(location.searchParams.get('launch'), id)
  const tokens = await createApp(sandbox, 'dstu2').login(createBrowser(), {
    launch: id,
    scope: 'launch patient/*.read openid profile',
  })
  const { patient, encounter, intent, tenant, need_patient_banner: banner, fhirContext } = tokens
  assert.deepEqual(
    { patient, encounter, intent, tenant, banner, fhirContext },
    {
      patient: 'amy-shaw',
      encounter: 'amy-shaw-visit-2',
      intent: 'reconcile',
      tenant: 'sandbox',
      banner: true,
      fhirContext: [{ reference: 'DocumentReference/amy-shaw-letter' }],
    },
  )
})

test('an app in a frame of the chart need not show the banner, any other has to', async () => {
  const app = createApp(sandbox)
  for (const [path, expected] of [
    ['/launch-app?patient=amy-shaw&auto=1', true],
    ['/launch-app?patient=amy-shaw&auto=1&framed', false],
  ] as const) {
    const response = await fetch(`${sandbox.url}${path}`, { redirect: 'manual' })
    const location = new URL(response.headers.get('location') ?? '')
    const launch = location.searchParams.get('launch') ?? ''
    const tokens = await app.login(createBrowser(), { launch, scope: 'launch patient/*.rs openid' })
    assert.equal(tokens.need_patient_banner, expected)
  }
})

test('a launch is at the face that it names', async () => {
  for (const [query, face] of [
    ['', 'r4'],
    ['&fhir=r4', 'r4'],
    ['&fhir=dstu2', 'dstu2'],
    ['&face=ld-01', 'ld-01'],
  ] as const) {
    const url = `${sandbox.url}/launch-app?patient=amy-shaw&auto=1${query}`
    const { headers } = await fetch(url, { redirect: 'manual' })
    const location = new URL(headers.get('location') ?? '')
    assert.equal(location.searchParams.get('iss'), sandbox.base(face))
  }
})

test('a launch of nobody, or by somebody who may not see them, is refused', async () => {
  for (const query of [
    'patient=nobody',
    'patient=amy-shaw&user=farid-haddad',
    'patient=amy-shaw&face=x',
    'patient=amy-shaw&fhir=x',
  ]) {
    const response = await fetch(`${sandbox.url}/launch-app?${query}`, { redirect: 'manual' })
    assert.equal(response.status, 400)
  }
})

test('curl -L with a cookie jar completes both launches', async t => {
  const seen: URL[] = []
  const app = createServer((req, res) => {
    const url = new URL(req.url ?? '', 'http://app')
    seen.push(url)
    const iss = url.searchParams.get('iss') ?? ''
    if (url.pathname !== '/launch' && url.pathname !== '/login') return res.end('done')
    const { url: location } = createApp(sandbox, 'r4', {
      redirectUri: `${appUrl}/redirect`,
    }).request({
      scope: 'launch launch/patient openid',
      launch: url.searchParams.get('launch') ?? undefined,
      parameters: iss === '' ? {} : { aud: iss },
    })
    return res.writeHead(302, { location }).end()
  })
  await new Promise<void>(resolve => app.listen(0, '127.0.0.1', resolve))
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-'))
  t.after(async () => {
    app.closeAllConnections()
    app.close()
    removeFolder(directory)
    await sandbox.moveApp(APP_URL)
  })
  const appUrl = `http://localhost:${(app.address() as AddressInfo).port}`
  await sandbox.moveApp(appUrl)
  const jar = join(directory, 'jar')
  const curl = async (...args: string[]) =>
    (await run('curl', ['-s', '-c', jar, '-b', jar, ...args])).stdout

  await curl('-L', `${sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
  assert.equal(seen.at(-1)?.pathname, '/redirect')
  assert.notEqual(seen.at(-1)?.searchParams.get('code'), null)

  const authorize = await curl('-o', '/dev/null', '-w', '%{redirect_url}', `${appUrl}/login`)
  await curl('-L', `${authorize}&patient=amy-shaw&auto=1`)
  assert.notEqual(seen.at(-1)?.searchParams.get('code'), null)

  await curl(`${sandbox.url}/auto?patient=hiro-tanaka`)
  await curl('-L', `${appUrl}/login`)
  assert.notEqual(seen.at(-1)?.searchParams.get('code'), null)
  assert.equal(seen.filter(({ pathname }) => pathname === '/redirect').length, 3)
})
