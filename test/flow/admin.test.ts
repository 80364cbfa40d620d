// The admin listener of the product: on a port of its own, for programs on this machine. It tells
// hashes and times, and ends sessions by EHR, by user, or all of them, running streams included.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { findPort } from '../world/port.ts'
import { createWorld, type World } from '../world/world.ts'
import { launchFromEhr, logIn } from './login.ts'
import { openStream } from './stream.ts'

let world: World
let port: number
before(async () => {
  port = await findPort()
  world = await createWorld({
    sandbox: { faces: [endlessFace], ehrIds: ehrIdsWith('endless') },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['endless'])
      document.admin = { port }
    },
  })
})
after(() => world.close())

const list = async (browser: Browser) =>
  (await browser.fetch(`${world.app}/sessions`)).json<{ id: string }[]>().map(({ id }) => id)

/** A call as an operator makes it; its status and text. */
async function call(path: string, method = 'GET', headers: Record<string, string> = {}) {
  return await new Promise<{ status: number; text: string }>((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text }))
    })
    sent.on('error', fail).end()
  })
}

const end = async (query: string) => JSON.parse((await call(`/sessions${query}`, 'DELETE')).text)

test('[AD1] what is for operators is not on the public listener', async () => {
  for (const path of ['/metrics', '/admin', '/debug', '/admin/sessions', '/sessions?all=true']) {
    const answer = await fetch(world.app + path, { method: 'DELETE' })
    assert.ok([403, 404, 405].includes(answer.status), `${path} ${answer.status}`)
    const read = await fetch(world.app + path, { headers: { accept: 'text/plain' } })
    assert.doesNotMatch(await read.text(), /fhirstorm_|process_cpu/)
  }
  assert.match(
    (await call('/metrics')).text,
    /^fhirstorm_build_info\{version="[\d.]+",commit="\w+"\} 1$/m,
  )
})

test('[AD1] no page can use it, whatever name leads there', async () => {
  const refused: Record<string, string>[] = [
    { origin: 'http://127.0.0.1:5009' },
    { origin: world.app },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { host: `evil.example:${port}` },
    { host: `localhost.evil.example:${port}` },
  ]
  for (const headers of refused) {
    for (const method of ['GET', 'DELETE']) {
      const { status, text } = await call('/sessions?all=true', method, headers)
      assert.ok([400, 403, 421].includes(status), `${JSON.stringify(headers)} ${status}`)
      assert.doesNotMatch(text, /ended|record/)
    }
  }
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, '[::1]:5009']) {
    assert.equal((await call('/ehrs', 'GET', { host })).status, 200, host)
  }
})

test('[AD1, V2] it lists sessions by hash and time, and nobody by name', async () => {
  const browser = createBrowser()
  const { id } = await logIn(world, browser, 'amy-shaw')
  const { text } = await call('/sessions?ehr=general')
  const [session] = JSON.parse(text)
  assert.deepEqual(Object.keys(session).sort(), [
    'ehr',
    'expiresAt',
    'lastUsedAt',
    'record',
    'user',
  ])
  const state = (await call('/ehrs')).text
  const metrics = (await call('/metrics')).text
  for (const word of [id, 'amy-shaw', 'practitioner', 'Rivera', 'eyJ']) {
    for (const answer of [text, state, metrics]) assert.ok(!answer.includes(word), word)
  }
  assert.match(metrics, /fhirstorm_session_events_total\{event="started",ehr="general"\} \d/)
})

test('[K19] a user’s sessions end in every browser, also while they read; nobody else’s', async () => {
  const [one, two, other] = [createBrowser(), createBrowser(), createBrowser()]
  const reading = await logIn(world, one, 'amy-shaw', 'ehr=endless')
  await logIn(world, two, 'amy-shaw', 'ehr=endless')
  const nurse = await launchFromEhr(
    world,
    other,
    'amy-shaw',
    '&user=nurse&face=endless&ehr=endless',
  )
  const cut = await openStream(one, `${reading.fhirBaseUrl}/Patient`)
  const whole = await openStream(other, `${nurse.fhirBaseUrl}/Patient`)
  const iss = encodeURIComponent(world.sandbox.url)
  assert.deepEqual(await end(`?ehr=endless&iss=${iss}&sub=practitioner`), { ended: 2 })
  assert.deepEqual([await list(one), await list(two)], [[], []])
  await cut.cut()
  assert.ok(whole.isOpen())
  assert.deepEqual(await list(other), [nurse.id])
  await end('?ehr=endless')
  await whole.cut()
})

test('[K19] an EHR’s sessions end, or all of them; half a choice ends none', async () => {
  await end('?all=true')
  const browser = createBrowser()
  const general = await logIn(world, browser, 'amy-shaw')
  const endless = await logIn(world, browser, 'amy-shaw', 'ehr=endless')
  const stream = await openStream(browser, `${endless.fhirBaseUrl}/Patient`)
  for (const query of [
    '',
    '?all=1',
    '?sub=practitioner',
    '?ehr=x',
    '?ehr=general&sub=x',
    '?ehr=a&ehr=b',
  ]) {
    assert.equal((await call(`/sessions${query}`, 'DELETE')).status, 400, query)
  }
  assert.deepEqual(await list(browser), [general.id, endless.id])
  assert.deepEqual(await end('?ehr=dstu2'), { ended: 0 })
  assert.deepEqual(await end('?ehr=general'), { ended: 1 })
  assert.deepEqual(await list(browser), [endless.id])
  assert.ok(stream.isOpen())
  assert.deepEqual(await end('?all=true'), { ended: 1 })
  await stream.cut()
  assert.deepEqual(await list(browser), [])
})
