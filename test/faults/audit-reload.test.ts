// A reload keeps the audit's sink: what comes before and after it is one chain. How events are told, and what
// waits for them, changes with it; where they go takes a restart.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { verifyChains } from '../../src/audit/verify.ts'
import { type Json, requestIdOf, summarize } from '../audit/held-sink.ts'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { type ProcessWorld, startProcessWorld } from '../world/process-world.ts'

let world: ProcessWorld
let path: string
before(async () => {
  world = await startProcessWorld({
    configure(document) {
      path = join(dirname(document.keysFile), 'audit.ndjson')
      document.audit = { sink: 'file', path }
    },
  })
})
after(() => world.close())

async function reloadWith(audit: object): Promise<number> {
  const { file, admin } = world
  writeFileSync(file, stringify({ ...parse(readFileSync(file, 'utf8')), audit }))
  const answer = await fetch(`${admin}/reload`, { method: 'POST' })
  await answer.body?.cancel()
  return answer.status
}

function readEvents(): Map<string | undefined, [told: string, query: string]> {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  const events = lines.flatMap(line => {
    const { event } = JSON.parse(line) as { event?: Json }
    return event === undefined ? [] : [event]
  })
  return new Map(
    events.map(event => {
      const [{ query = '' } = {}] = event.entity as { query?: string }[]
      return [requestIdOf(event), [summarize(event), Buffer.from(query, 'base64').toString()]]
    }),
  )
}

test('[G8] a reload keeps the sink, and takes what else is set of the audit', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const search = async () => {
    const { status, headers } = await browser.fetch(`${fhirBaseUrl}/Observation?code=718-7`)
    assert.equal(status, 200)
    return headers.get('x-request-id') ?? ''
  }
  const hashed = await search()
  assert.equal(
    await reloadWith({ sink: 'file', path, searchParameters: 'drop', failClosed: true }),
    200,
  )
  const dropped = await search()
  // Acknowledged, and so recorded.
  assert.deepEqual(readEvents().get(dropped), ['search-type 0', 'Observation'])
  assert.equal(await reloadWith({ sink: 'file', path: `${path}-elsewhere` }), 422)
  const later = await search()
  assert.equal(await world.broker.stop(), 0)
  const events = readEvents()
  assert.match(events.get(hashed)?.join() ?? '', /^search-type 0,Observation\?code=[\w-]{16}$/)
  assert.deepEqual(events.get(later), ['search-type 0', 'Observation'])
  const verdicts = await verifyChains(path)
  assert.deepEqual(
    verdicts.map(({ fault }) => fault),
    [undefined],
  )
})
