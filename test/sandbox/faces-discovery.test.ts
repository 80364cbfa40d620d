// Faces whose public documents are elsewhere, or away for a while.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { APP_URL } from './app.ts'
import { type Exchanged, exchange } from './wire.ts'

const SMART = '/.well-known/smart-configuration'
const OPENID = '/.well-known/openid-configuration'

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
})
after(() => sandbox.close())

/** Follows redirects on this server; every answer on the way. */
async function walk(url: string, most = 10): Promise<Exchanged[]> {
  const answer = await exchange(url)
  const [location] = answer.header('location')
  const next = location === undefined ? undefined : new URL(location, url)
  if (next?.origin !== sandbox.url || most === 0) return [answer]
  return [answer, ...(await walk(next.href, most - 1))]
}

const statuses = (answers: readonly Exchanged[]) => answers.map(({ status }) => status)

const moved: [face: string, path: string, expected: number[]][] = [
  ['moved-smart', SMART, [302, 200]],
  ['moved-smart-json', SMART, [301, 200]],
  ['moved-smart-relative', SMART, [308, 200]],
  ['moved-smart-thrice', SMART, [302, 302, 302, 200]],
  ['moved-smart-far', SMART, [302, 302, 302, 302, 302, 302, 200]],
  ['moved-smart-sign-in', SMART, [302, 200]],
  ['moved-metadata', '/metadata', [301, 200]],
  ['moved-openid', OPENID, [302, 200]],
]
for (const [face, path, expected] of moved) {
  test(`${face} redirects to the document`, async () => {
    const answers = await walk(`${sandbox.base(face)}${path}`)
    assert.deepEqual(statuses(answers), expected)
    const last = answers.at(-1)
    if (face === 'moved-smart-sign-in') assert.match(String(last?.body), /<!doctype html>/)
    else assert.ok(last?.json().issuer ?? last?.json().fhirVersion)
  })
}

test('a redirect keeps the query', async () => {
  const url = `${sandbox.base('moved-metadata')}/metadata?_format=json`
  const { header } = await exchange(url)
  assert.deepEqual(header('location'), [`${sandbox.base('moved-metadata')}/metadata/?_format=json`])
})

test('moved-smart-relative names a path alone, moved-smart-json the same folder', async () => {
  const location = async (face: string) =>
    (await exchange(`${sandbox.base(face)}${SMART}`)).header('location')[0]
  assert.equal(
    await location('moved-smart-relative'),
    '/faces/moved-smart-relative/fhir/discovery/smart',
  )
  assert.equal(
    await location('moved-smart-json'),
    `${sandbox.base('moved-smart-json')}${SMART}.json`,
  )
  assert.equal(await location('moved-smart-away'), `https://evil.example${SMART}`)
})

test('moved-smart-loop never ends', async () => {
  const answers = await walk(`${sandbox.base('moved-smart-loop')}${SMART}`)
  assert.deepEqual(new Set(statuses(answers)), new Set([302]))
})

test('moved-keys redirects to the keys', async () => {
  const { jwks_uri: url } = (await exchange(`${sandbox.base('moved-keys')}${SMART}`)).json()
  const answers = await walk(String(url))
  assert.deepEqual(statuses(answers), [307, 200])
  assert.equal(answers[1]?.json<{ keys: unknown[] }>().keys.length, 1)
  const away = await exchange(`${sandbox.url}/faces/moved-keys-away/oauth/jwks`)
  assert.deepEqual(away.header('location'), ['https://evil.example/keys'])
})

const away: [face: string, visits: number[]][] = [
  ['discovery-503-first', [503, 200, 200]],
  ['discovery-503-second', [200, 503, 200]],
  ['discovery-429-second', [200, 429, 200]],
  ['smart-503', [503, 503, 503]],
]
for (const [face, expected] of away) {
  test(`${face} answers ${expected.join(', ')}, and metadata always`, async () => {
    const answers: Exchanged[] = []
    for (const _ of expected) answers.push(await exchange(`${sandbox.base(face)}${SMART}`))
    assert.deepEqual(statuses(answers), expected)
    assert.equal((await exchange(`${sandbox.base(face)}/metadata`)).status, 200)
  })
}

test('a maintenance page takes the place of the first, or the second, SMART configuration', async () => {
  for (const [face, at] of [
    ['discovery-maintenance-first', 0],
    ['discovery-maintenance-second', 1],
  ] as const) {
    for (let visit = 0; visit < 3; visit++) {
      const answer = await exchange(`${sandbox.base(face)}${SMART}`)
      assert.equal(answer.status, 200)
      const type = answer.header('content-type')[0] ?? ''
      assert.equal(/html/.test(type), visit === at, `${face} ${visit}`)
    }
  }
})

test('keys-503-first gives its keys at the second visit', async () => {
  const url = `${sandbox.url}/faces/keys-503-first/oauth/jwks`
  assert.equal((await exchange(url)).status, 503)
  assert.equal((await exchange(url)).status, 200)
})

test('end-session-openid tells its end_session_endpoint in the OpenID configuration alone', async () => {
  const find = async (face: string, path: string) =>
    (await exchange(`${sandbox.base(face)}${path}`)).json().end_session_endpoint
  assert.equal(await find('end-session-openid', SMART), undefined)
  assert.match(String(await find('end-session-openid', OPENID)), /\/oauth\/logout$/)
  assert.equal(await find('end-session-nowhere', OPENID), undefined)
  assert.match(String(await find('r4', SMART)), /\/oauth\/logout$/)
})

test('two sandboxes count their visits apart', async t => {
  const other = await startSandbox({ port: 0, appUrl: APP_URL })
  t.after(() => other.close())
  const url = `${other.base('discovery-503-first')}${SMART}`
  assert.equal((await exchange(url)).status, 503)
})
