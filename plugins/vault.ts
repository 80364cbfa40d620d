// Capability: the vault. Decorates the app with the store it is given, sweeps what has expired, and
// closes the store with the app.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { describeError } from '../src/error-description.ts'
import { aPositiveNumber, judgeOptions, optional, withMethods } from '../src/plugin-terms.ts'
import { timeVault } from '../src/vault/timed.ts'
import type { Vault } from '../src/vault/vault.ts'
import type {} from './metrics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartVault: Vault
  }
}

export interface VaultOptions {
  vault: Vault
  /** Milliseconds between two sweeps; each takes a bounded batch. */
  sweepIntervalMs?: number
}

async function vault(app: FastifyInstance, options: VaultOptions): Promise<void> {
  judgeOptions('vault', options, {
    vault: withMethods('head', 'read', 'insert', 'remove', 'ping', 'close'),
    sweepIntervalMs: optional(aPositiveNumber),
  })
  const clock = () => performance.now()
  const { smartMetrics } = app
  app.decorate(
    'smartVault',
    smartMetrics ? timeVault(options.vault, clock, smartMetrics.noteVault) : options.vault,
  )

  const { smartVault } = app
  smartMetrics?.show('fhirstorm_vault_bytes', async () => (await smartVault.size()).bytes)
  smartMetrics?.show('fhirstorm_vault_max_bytes', async () => {
    return (await smartVault.size()).maxBytes ?? []
  })

  const timer = setInterval(sweep, options.sweepIntervalMs ?? 5_000)
  timer.unref()
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await options.vault.close()
  })

  async function sweep(): Promise<void> {
    try {
      await app.smartVault.sweep()
    } catch (error) {
      app.log.warn({ err: describeError(error) }, 'the vault could not be swept')
    }
  }
}

export default fp(vault, { name: 'fhirstorm-vault', fastify: '5.x' })
