// The whole product over a SQLite file that cannot be written: the disk is full, or another process holds
// the file. Sessions go on reading, nobody gets in, nothing is lost, and it recovers by itself.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { beginLogin, logIn } from '../flow/login.ts'
import { type Answer, type Browser, createBrowser } from '../world/browser.ts'
import { startProcessWorld } from '../world/process-world.ts'
import { createWorld } from '../world/world.ts'
import { codeOf } from './refresh-rig.ts'

const MINUTE = 60_000
/** Two seconds are promised; the rest is for a busy machine. */
const PATIENCE_MS = 4_000

/** Holds that a request is refused in time. */
async function refuses(answering: Promise<Answer>): Promise<void> {
  const late = new Promise<'late'>(done => setTimeout(done, PATIENCE_MS, 'late').unref())
  const answer = await Promise.race([answering, late])
  if (answer === 'late') assert.fail('no answer in time')
  assert.deepEqual([answer.status, codeOf(answer)], [503, 'vault_unavailable'])
  assert.ok(Number(answer.headers.get('retry-after')) > 0)
}

test('[V11, V5] while another process holds the file sessions read, and nobody gets in', async t => {
  let passed = 0
  const world = await createWorld({ now: () => Date.now() + passed })
  t.after(() => world.close())
  const { path } = world.config.vault as { path: string }
  const browser = createBrowser()
  const { id, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const url = `${world.app}/sessions/${id}`
  const callback = await beginLogin(world, browser, 'ehr=general', 'ben-ortega')
  const other = new DatabaseSync(path)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  // Its use is due to be noted, which must wait.
  passed += 2 * MINUTE
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 200)
  const crowd = Array.from({ length: 50 }, () => refuses(browser.fetch(callback)))
  await Promise.all(crowd)
  other.exec('ROLLBACK')
  assert.equal((await browser.fetch(callback)).status, 303)
  assert.equal((await browser.fetch(`${world.app}/sessions`)).json<unknown[]>().length, 2)
  assert.equal((await browser.fetch(url, { method: 'DELETE' })).status, 200)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 401)
})

test('[V5] on a full disk sessions read, nobody gets in, no refresh token is sent, nothing is lost', async t => {
  const asked: string[] = []
  const { app, sandbox, broker, close } = await startProcessWorld({
    program: 'test/faults/dying-broker.ts',
    sandbox: { onRequest: ({ path }) => asked.push(path) },
  })
  t.after(close)
  const limit = (bytes: number | 'unlimited') =>
    execFileSync('prlimit', [`--pid=${broker.pid()}`, `--fsize=${bytes}:unlimited`])
  const browsers = Array.from({ length: 5 }, createBrowser)
  const sessions = await Promise.all(
    browsers.map(browser => logIn({ app, sandbox }, browser, 'amy-shaw')),
  )
  const read = async (i: number) =>
    await (browsers[i] as Browser).fetch(`${sessions[i]?.fhirBaseUrl}/Patient`)
  const [browser] = browsers as [Browser]
  const callback = await beginLogin({ app }, browser, 'ehr=general', 'ben-ortega')

  limit(1)
  for (let i = 0; i < browsers.length; i++) assert.equal((await read(i)).status, 200)
  await refuses(browser.fetch(callback))
  sandbox.expireAccessTokens()
  const count = asked.length
  for (let i = 0; i < browsers.length; i++) await refuses(read(i))
  assert.ok(!asked.slice(count).some(path => path.endsWith('/token')))

  limit('unlimited')
  for (let i = 0; i < browsers.length; i++) assert.equal((await read(i)).status, 200)
  assert.equal((await browser.fetch(callback)).status, 303)
  await broker.kill()
  await broker.start()
  for (let i = 0; i < browsers.length; i++) assert.equal((await read(i)).status, 200)
  assert.equal((await browser.fetch(`${app}/sessions`)).json<unknown[]>().length, 2)
})
