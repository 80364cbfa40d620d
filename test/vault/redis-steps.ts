// What tests of Redis share: vaults and servers that are closed after the test, and patience.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { openRedisVault } from '../../src/vault/redis.ts'
import type { RedisVaultChoice } from '../../src/vault/redis-choice.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { buildRecord, newId } from './records.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

/** A vault on a server, closed after the test. */
export async function open(
  t: TestContext,
  choice: RedisVaultChoice,
  now: () => number = Date.now,
): Promise<Vault> {
  const { vault } = await openRedisVault(choice, now)
  t.after(() => vault.close())
  return vault
}

/** A server of the test's own, gone after the test. */
export async function start(t: TestContext, args: string[] = []): Promise<RedisServer> {
  const server = await startRedis(args)
  t.after(() => server.close())
  return server
}

/** Stores a record and gives its id. */
export async function insert(vault: Vault): Promise<string> {
  const id = newId()
  await vault.insert(id, buildRecord(Date.now()))
  return id
}

/** Expects `vault_unavailable`. */
export async function refuses(step: () => unknown): Promise<void> {
  await assert.rejects(
    async () => await step(),
    error => error instanceof BrokerError && error.code === 'vault_unavailable',
  )
}

/** Tries until it works; rejects with the last failure after a minute: a failover alone takes some ten seconds. */
export async function eventually(step: () => unknown): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await step()
      return
    } catch (error) {
      if (tries > 1_200) throw error
      await pause(50)
    }
  }
}

export async function pause(milliseconds: number): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}
