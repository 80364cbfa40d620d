// The contract, kept in memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryVault } from '../../src/vault/memory.ts'
import { testContract } from './contract.ts'
import { buildRecord } from './records.ts'

testContract({
  name: 'memory',
  lagMs: 0,
  async open(_t, now) {
    const vault = createMemoryVault({ now })
    return { vault, connect: async () => vault }
  },
})

const isFull = { code: 'vault_unavailable', detail: 'the store is full' }

/** Stores things of every kind until there is no room; how many there were. */
async function fill(vault: ReturnType<typeof createMemoryVault>, now: number): Promise<number> {
  for (let i = 0; ; i++) {
    const steps = [
      () => vault.insert(`record ${i}`, buildRecord(now)),
      () => vault.take(`name ${i}`, now + 600_000),
      () => vault.deposit(`launch ${i}`, 'x'.repeat(900), now + 600_000),
      () => vault.lease(`record ${i}`, 'owner', 600_000),
    ]
    try {
      for (const step of steps) await step()
    } catch (error) {
      assert.equal((error as { detail?: string }).detail, isFull.detail)
      return i
    }
  }
}

test('[DS13, L22] a store that is full refuses what is new, keeps what it has, and has room again', async () => {
  let now = 0
  const vault = createMemoryVault({ now: () => now, steady: () => now, maxBytes: 1024 * 1024 })
  const first = await fill(vault, now)
  assert.ok(first > 250 && first < 400, `${first}`)
  assert.ok(await vault.read('record 0'))
  const large = { value: Buffer.alloc(100_000), keyId: 'key-1', expiresAt: now + 600_000 }
  await assert.rejects(vault.replace('record 0', 1, large), isFull)
  await assert.rejects(vault.insert('another', buildRecord(now, { value: large.value })), isFull)
  assert.equal((await vault.read('record 0'))?.generation, 1)
  for (let round = 0; round < 3; round++) {
    now += 3_600_000
    await vault.sweep()
    assert.equal(await fill(vault, now), first)
  }
  for (let i = 0; i < first; i++) {
    await vault.remove(`record ${i}`)
    await vault.withdraw(`launch ${i}`)
    await vault.release(`record ${i}`, 'owner')
  }
  await vault.insert('another', buildRecord(now, { value: large.value }))
})
