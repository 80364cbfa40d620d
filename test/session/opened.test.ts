// Sessions kept open in the process: bounded in bytes, whatever an EHR makes of its tokens.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOpenedSessions, weighSession } from '../../src/session/opened.ts'
import type { OpenSession } from '../../src/session/session.ts'
import { createMemoryVault } from '../../src/vault/memory.ts'
import { measureHeld } from '../world/held-memory.ts'
import { buildStore, buildTokens, createClock, ISS } from './sessions.ts'

const KIB = 1024
const MIB = 1024 * KIB
const slide = { slide: true }

test('[DS13] hundreds of large sessions are forgotten, and one that is in use stays open', async () => {
  const clock = createClock()
  const vault = createMemoryVault({ now: clock.now })
  const reads: string[] = []
  const { read } = vault
  vault.read = id => {
    reads.push(id)
    return read(id)
  }
  const { another } = buildStore({ clock, vault })
  const store = another(vault, 4 * MIB)
  const used = await store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
  const large: OpenSession[] = []
  for (let i = 0; i < 300; i++) {
    const tokens = buildTokens(clock.now(), { accessToken: 'x'.repeat(56 * KIB) })
    large.push(await store.begin(ISS, tokens, `browser ${i}`, 'general'))
    await store.open(used.ticket, slide)
  }
  assert.equal(reads.length, 0)
  for (const { ticket } of large) await store.open(ticket, slide)
  assert.ok(reads.length > 250, `${reads.length} were read again`)
  assert.ok(!reads.includes(used.recordId))
})

function heapOf(build: () => unknown[]): number {
  const before = measureHeld()
  const held = build()
  const after = measureHeld()
  assert.ok(held.length > 0)
  return after - before
}

test('[DS13] a session weighs at least what it takes, however its JSON is made', () => {
  const members = Array.from({ length: 600 }, (_, i) => `"k${i}":${i}`).join()
  const worst = {
    'a long token': '"x":"COPY'.concat('x'.repeat(20_000), '"'),
    'empty objects': `"x":"COPY","y":[${Array(6_000).fill('{}').join()}]`,
    'empty lists': `"x":"COPY","y":[${Array(6_000).fill('[]').join()}]`,
    numbers: `"x":"COPY","y":[${Array(6_000).fill('1.5').join()}]`,
    'small texts': `"x":"COPY","y":[${Array.from({ length: 3_000 }, (_, i) => `"COPY${i}"`).join()}]`,
    'one letter': `"x":"COPY","y":[${Array(6_000).fill('"é"').join()}]`,
    members: `"x":"COPY","y":{${members}}`,
    depth: `"x":"COPY","y":${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`,
  }
  for (const [name, text] of Object.entries(worst)) {
    let bytes = 0
    const heap = heapOf(() =>
      Array.from({ length: 200 }, (_, copy) => {
        const json = Buffer.from(`{${text.replaceAll('COPY', String(1000 + copy))}}`)
        bytes += weighSession(json)
        return JSON.parse(json.toString('utf8'))
      }),
    )
    assert.ok(heap < bytes * 1.1, `${name}: ${heap} bytes weighed as ${bytes}`)
  }
})

test('[DS13] what is kept is what was put there last, within the bound', () => {
  const opened = createOpenedSessions(10 * KIB)
  const keep = (recordId: string, bytes: number) =>
    opened.keep({ open: { recordId } as OpenSession, head: {} as never, bytes })
  for (let i = 0; i < 50; i++) keep(`${i}`, 4 * KIB)
  assert.ok(opened.has('49') && opened.has('48') && !opened.has('47'))
  opened.delete('49')
  assert.equal(opened.get('49'), undefined)
})
