// The product as `fhirstorm start` runs it, but that it kills itself with -9 at the step that DIE_AT
// names, and gives a token call up after a second, so that an orphaned lease ends after three.

import { pino } from 'pino'
import { serve } from '../../program/app.ts'
import { readConfiguration } from '../../program/cli/configuration.ts'
import { buildLoggerOptions } from '../../program/logging.ts'
import { buildOptions } from '../../program/options.ts'
import { createServer } from '../../program/server.ts'
import { buildKeyMarks } from '../../src/keys.ts'
import { openVault } from '../../src/vault/open.ts'
import type { Vault } from '../../src/vault/vault.ts'

/** Steps of a renewal after which there is nobody to go on. */
export type DeathStep = 'lease taken' | 'before the write' | 'after the write'

const DEADLINE_MS = 1_000

function dieAt(step: DeathStep): void {
  if (process.env.DIE_AT === step) process.kill(process.pid, 'SIGKILL')
}

function makeMortal(vault: Vault): Vault {
  return {
    ...vault,
    async lease(...args) {
      const granted = await vault.lease(...args)
      if (granted) dieAt('lease taken')
      return granted
    },
    async replace(...args) {
      dieAt('before the write')
      const done = await vault.replace(...args)
      dieAt('after the write')
      return done
    },
  }
}

if (import.meta.main) {
  // Tests play a full disk by a limit on the size of files: writes are to fail then, not to kill.
  process.on('SIGXFSZ', () => {})
  const config = await readConfiguration({ config: process.argv.at(-1) })
  if (!config) throw new Error('the configuration is faulty')
  const { vault } = await openVault(config.vault, buildKeyMarks(config.keyRing), Date.now)
  const app = createServer({ logger: pino(buildLoggerOptions('warn')), trustedProxies: [] })
  const options = buildOptions(config, { vault: makeMortal(vault) })
  options.authorizationServer.deadlineMs = DEADLINE_MS
  options.renewal.deadlineMs = DEADLINE_MS
  await serve(app, options)
  await app.listen({ host: config.listen.host, port: config.listen.port })
}
