// `fhirstorm start`: reads the configuration, opens the vault, listens, and drains on SIGTERM. Refuses
// to start with a faulty configuration (status 2) or without its vault (status 1).

import { readFile } from 'node:fs/promises'
import closeWithGrace from 'close-with-grace'
import { pino } from 'pino'
import { serve } from '../app.ts'
import { buildKeyMarks } from '../keys.ts'
import { buildLoggerOptions } from '../logging.ts'
import { buildOptions } from '../options.ts'
import { createServer } from '../server.ts'
import { openVault } from '../vault/open.ts'
import { VaultRefusal } from '../vault/refusal.ts'
import { parseCommandLine, readConfiguration } from './configuration.ts'
import { openLogOutput } from './log-output.ts'

/** Longest life after SIGTERM, in milliseconds; the server cuts its streams five seconds earlier. */
const DRAIN_MS = 30_000

/** Runs the service until a signal ends it; a number is the exit status of a refused start. */
export async function start(args: string[]): Promise<number | undefined> {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    return refuse('NODE_TLS_REJECT_UNAUTHORIZED=0 would hand tokens to anybody', 2)
  }
  if (process.execArgv.includes('--insecure-http-parser')) {
    return refuse('--insecure-http-parser lets requests be smuggled', 2)
  }
  const { values } = parseCommandLine(args)
  const config = await readConfiguration(values.config as string | undefined)
  if (!config) return 2

  const log = openLogOutput()
  const logger = pino(buildLoggerOptions(config.log.level), log)
  const opened = await openVault(config.vault, buildKeyMarks(config.keyRing), Date.now).catch(
    (error: unknown) => {
      if (error instanceof VaultRefusal) return error
      throw error
    },
  )
  if (opened instanceof VaultRefusal) return refuse(opened.message, 1)
  for (const warning of opened.warnings) logger.warn({ warning }, 'vault')

  const app = createServer({
    logger,
    trustedProxies: config.trustedProxies,
    tls: config.listen.tls,
  })
  const contract = await readContract()
  await serve(app, buildOptions(config, { vault: opened.vault, contract }))
  await app.listen({ host: config.listen.host, port: config.listen.port })
  logger.info({ publicUrl: config.publicUrl, ehrs: config.registrations.length }, 'listening')

  closeWithGrace({ delay: DRAIN_MS, logger: false }, async ({ err }) => {
    if (err) logger.error({ err }, 'fault outside any request')
    logger.info('draining')
    await app.close()
    log.flushSync()
  })
  return undefined
}

// Beside the program: two folders up in a checkout, three from dist/.
async function readContract(): Promise<string> {
  const inCheckout = new URL('../../openapi.yaml', import.meta.url)
  const beside = new URL('../../../openapi.yaml', import.meta.url)
  return await readFile(inCheckout, 'utf8').catch(() => readFile(beside, 'utf8'))
}

function refuse(message: string, status: number): number {
  process.stderr.write(`fhirstorm: ${message}\n`)
  return status
}
