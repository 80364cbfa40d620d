// The contract as a property: whatever is done to a home, it answers as the memory vault does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { createMemoryVault } from '../../src/vault/memory.ts'
import type { Vault } from '../../src/vault/vault.ts'
import type { Home } from './home.ts'
import { buildRecord, newId } from './records.ts'

type Step = (vault: Vault, at: number, names: Names) => unknown
type Names = (name: string) => string

const MINUTE = 60_000
const record = fc.constantFrom('record-1', 'record-2', 'record-3')
const key = fc.constantFrom('key-1', 'key-2')
const owner = fc.constantFrom('owner-1', 'owner-2')
const entries = fc.uniqueArray(fc.constantFrom('entry-1', 'entry-2'))
const generation = fc.integer({ min: 1, max: 3 })
/** Minutes from now until something expires; some are over. */
const ahead = fc.integer({ min: -2, max: 20 }).map(minutes => minutes * MINUTE)
const value = fc.uint8Array({ minLength: 1, maxLength: 40 })

const steps: fc.Arbitrary<[label: string, Step]> = fc.oneof(
  fc
    .tuple(record, ahead, ahead, entries, value)
    .map(([id, expires, ends, indexes, bytes]): [string, Step] => [
      `insert ${id} for ${expires} of ${ends}, ${indexes}`,
      (vault, at, names) =>
        vault.insert(names(id), {
          ...buildRecord(at),
          value: bytes,
          expiresAt: at + expires,
          endsAt: at + ends,
          indexes: indexes.map(names),
        }),
    ]),
  record.map((id): [string, Step] => [`read ${id}`, (vault, _at, names) => vault.read(names(id))]),
  record.map((id): [string, Step] => [`head ${id}`, (vault, _at, names) => vault.head(names(id))]),
  record.map((id): [string, Step] => [
    `remove ${id}`,
    (vault, _at, names) => vault.remove(names(id)),
  ]),
  fc
    .tuple(record, generation)
    .map(([id, from]): [string, Step] => [
      `remove ${id} of ${from}`,
      (vault, _at, names) => vault.remove(names(id), from),
    ]),
  fc
    .tuple(record, generation, ahead, value)
    .map(([id, from, expires, bytes]): [string, Step] => [
      `replace ${id} of ${from} for ${expires}`,
      (vault, at, names) =>
        vault.replace(names(id), from, { keyId: 'key-2', value: bytes, expiresAt: at + expires }),
    ]),
  fc
    .tuple(record, ahead)
    .map(([id, expires]): [string, Step] => [
      `touch ${id} for ${expires}`,
      (vault, at, names) => vault.touch(names(id), at, at + expires),
    ]),
  fc.constantFrom('entry-1', 'entry-2').map((entry): [string, Step] => [
    `find ${entry}`,
    async (vault, _at, names) => {
      const found = await vault.find(names(entry))
      return found
        .map(({ id, ...head }) => ({ id, ...head }))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
    },
  ]),
  fc
    .tuple(key, ahead)
    .map(([name, expires]): [string, Step] => [
      `take ${name} for ${expires}`,
      (vault, at, names) => vault.take(names(name), at + expires),
    ]),
  fc
    .tuple(key, fc.string(), ahead)
    .map(([name, text, expires]): [string, Step] => [
      `deposit ${name} for ${expires}`,
      (vault, at, names) => vault.deposit(names(name), text, at + expires),
    ]),
  key.map((name): [string, Step] => [
    `withdraw ${name}`,
    (vault, _at, names) => vault.withdraw(names(name)),
  ]),
  fc
    .tuple(record, owner)
    .map(([id, name]): [string, Step] => [
      `lease ${id} to ${name}`,
      (vault, _at, names) => vault.lease(names(id), name, MINUTE),
    ]),
  fc
    .tuple(record, owner)
    .map(([id, name]): [string, Step] => [
      `release ${id} of ${name}`,
      (vault, _at, names) => vault.release(names(id), name),
    ]),
  fc.constant<[string, Step]>(['sweep', async vault => void (await vault.sweep())]),
)

/** Registers the property for one home. */
export function testAgainstModel(home: Home, numRuns: number): void {
  test(`[D14] does whatever the model does (${home.name})`, async t => {
    let at = Date.now()
    const { vault, connect } = await home.open(t, () => at)
    // Where a second connection sees everything in its next turn, every other step goes through it.
    const vaults = home.lagMs === 0 ? [vault, await connect()] : [vault]
    const history = fc.array(fc.tuple(steps, fc.nat({ max: 8 })), { maxLength: 40, size: 'max' })
    await fc.assert(
      fc.asyncProperty(history, async run => {
        at = Date.now()
        const nonce = newId()
        const names: Names = name => `${name}-${nonce}`
        const model = createMemoryVault({ now: () => at })
        for (const [i, [[label, step], minutes]] of run.entries()) {
          at += minutes * MINUTE
          const home = vaults[i % vaults.length] as Vault
          await nextTurn()
          const [done, expected] = [await settle(step, home), await settle(step, model)]
          assert.deepEqual(done, expected, label)
        }

        async function settle(step: Step, on: Vault): Promise<unknown> {
          try {
            return normalize(await step(on, at, names))
          } catch (error) {
            return (error as { code?: unknown }).code
          }
        }
      }),
      { numRuns },
    )
  })
}

// Bytes are bytes, whichever class they come in.
function normalize(result: unknown): unknown {
  if (typeof result !== 'object' || result === null || !('value' in result)) return result
  return { ...result, value: Buffer.from(result.value as Uint8Array).toString('hex') }
}
