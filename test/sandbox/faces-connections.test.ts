// Faces with habits below HTTP's answers: connections that end, and interim answers.

import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { connectRaw } from '../network/raw.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, createApp } from './app.ts'
import { exchange } from './wire.ts'

const AMY = { parameters: { patient: 'amy-shaw', auto: '1' } }

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
})
after(() => sandbox.close())

const metadata = (face: string) => `${sandbox.base(face)}/metadata`

async function connect(face: string) {
  const { port, pathname } = new URL(metadata(face))
  const client = await connectRaw(Number(port))
  const ask = () => client.send(`HEAD ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`)
  return { client, ask }
}

for (const face of ['idle-close', 'idle-close-early', 'idle-close-promised']) {
  test(`${face} answers on a connection while it is in use, and closes it once it is idle`, async () => {
    const { client, ask } = await connect(face)
    ask()
    await client.until(/\r\n\r\n$/)
    ask()
    const text = await client.closed()
    assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 2)
    const promised = /keep-alive: timeout=60/i.test(text)
    assert.equal(promised, face === 'idle-close-promised')
    assert.match(text, /connection: keep-alive/i)
  })
}

for (const [face, code] of [
  ['reused-close', undefined],
  ['reused-reset', 'ECONNRESET'],
] as const) {
  test(`${face} answers once on each connection, and takes the second request without a word`, async () => {
    const { client, ask } = await connect(face)
    const failures: string[] = []
    client.socket.on('error', error => failures.push((error as NodeJS.ErrnoException).code ?? ''))
    ask()
    const first = await client.until(/\r\n\r\n$/)
    ask()
    await client.closed()
    assert.equal(client.received(), first)
    assert.deepEqual(failures, code === undefined ? [] : [code])
  })
}

test('reused-close-token and reused-close-fhir spare what they are not about', async () => {
  for (const face of ['reused-close-token', 'reused-close-fhir']) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let round = 0; round < 3; round++) {
      assert.equal((await exchange(metadata(face), { agent })).status, 200)
    }
    const token = `${sandbox.url}/faces/${face}/oauth/token`
    const asked = exchange(token, { method: 'POST', agent })
    if (face === 'reused-close-token') await assert.rejects(asked)
    else assert.equal((await asked).status, 400)
    const read = exchange(`${sandbox.base(face)}/Patient/amy-shaw`, { agent })
    if (face === 'reused-close-fhir') await assert.rejects(read)
    else assert.equal((await read).status, 401)
    agent.destroy()
  }
})

test("the user's browser is never cut off", async () => {
  const app = createApp(sandbox, 'reused-reset')
  const callback = await app.authorize(createBrowser(), app.request(AMY).url)
  assert.ok(callback.searchParams.has('code'))
})

const announced: [face: string, interim: number[]][] = [
  ['interim-100', [100]],
  ['interim-102', [102]],
  ['interim-103', [103]],
  ['interim-several', [102, 102, 103, 100]],
]
for (const [face, interim] of announced) {
  test(`${face} announces each answer of a whole login`, async () => {
    const answer = await exchange(metadata(face))
    assert.deepEqual(answer.interim, interim)
    assert.equal(answer.status, 200)
    const token = `${sandbox.url}/faces/${face}/oauth/token`
    assert.deepEqual((await exchange(token, { method: 'POST' })).interim, interim)
    const read = await exchange(`${sandbox.base(face)}/Patient/amy-shaw`)
    assert.deepEqual([read.interim, read.status], [interim, 401])
  })
}

test('interim-100-fhir creates a patient whose 201 comes after a 100', async () => {
  const tokens = await createApp(sandbox, 'interim-100-fhir').login(createBrowser(), {
    scope: 'user/*.cruds openid',
    parameters: AMY.parameters,
  })
  const answer = await exchange(`${sandbox.base('interim-100-fhir')}/Patient`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens.access_token}`,
      'content-type': 'application/fhir+json',
    },
    body: JSON.stringify({ resourceType: 'Patient', active: true }),
  })
  assert.deepEqual([answer.interim, answer.status], [[100], 201])
  assert.deepEqual((await exchange(metadata('interim-100-fhir'))).interim, [])
})

test('interim-100-token and interim-flood announce what they are about alone', async () => {
  assert.deepEqual((await exchange(metadata('interim-100-token'))).interim, [])
  const token = `${sandbox.url}/faces/interim-100-token/oauth/token`
  assert.deepEqual((await exchange(token, { method: 'POST' })).interim, [100])
  assert.deepEqual((await exchange(metadata('interim-flood'))).interim, [])
  const flood = await exchange(`${sandbox.base('interim-flood')}/Patient/amy-shaw`)
  assert.equal(flood.interim.length, 10_000)
})
