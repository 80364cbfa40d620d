// The product as a process with little memory, under bodies that cost their reader most. While each is
// on its way another user reads, and in the end the process is the same and has not grown much.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { request } from 'undici'
import { type LoggedIn, logIn } from '../flow/login.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { startProcessWorld } from '../world/process-world.ts'
import { HOSTILE_BYTES, listHostileBodies } from './hostile-bodies.ts'

const HEAP_MIB = 256

async function send(browser: Browser, { fhirBaseUrl }: LoggedIn, type: string, body: Buffer) {
  const cookie = [...browser.cookies(fhirBaseUrl)].map(pair => pair.join('=')).join('; ')
  const headers = { cookie, 'x-csrf': '1', 'content-type': type }
  const answer = await request(fhirBaseUrl, { method: 'POST', headers, body })
  await answer.body.dump()
  return answer.statusCode
}

/** Peak memory of a process so far, in bytes. */
function peakOf(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

test('[P33, DS4, DS7] no body of the worst kinds ends a small process, or makes it grow much', async t => {
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` }
  const { broker, ...places } = await startProcessWorld({ env })
  t.after(places.close)
  const browser = createBrowser()
  const session = await logIn(places, browser, 'amy-shaw')
  const other = createBrowser()
  const others = await logIn(places, other, 'ben-ortega')
  const pid = broker.pid()
  const plain = Buffer.from(`["${'x'.repeat(HOSTILE_BYTES - 4)}"]`)
  await send(browser, session, 'application/fhir+json', plain)
  const before = peakOf(pid)
  for (const { name, type, build } of listHostileBodies(session.fhirBaseUrl)) {
    // Whole bodies only where something is changed in them: the EHR in this process is slow with them.
    const body = build({ ends: name.endsWith('addresses of ours') })
    const sent = send(browser, session, type, body)
    for (let reads = 0; reads < 5; reads++) {
      assert.equal((await other.fetch(`${others.fhirBaseUrl}/Patient`)).status, 200, name)
    }
    const status = await sent
    const grown = Math.round((peakOf(pid) - before) / 2 ** 20)
    t.diagnostic(`${name}: ${status}, ${grown} MiB more at the peak`)
    assert.equal(broker.pid(), pid)
  }
  const grown = peakOf(pid) - before
  assert.ok(grown < 8 * HOSTILE_BYTES, `${Math.round(grown / 2 ** 20)} MiB more`)
})
