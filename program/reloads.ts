// Reloads, one after the other: read, judged, prepared, taken over; whatever fails on the way leaves everything as
// it was. The same for a process that serves by itself and for one whose workers do.

import type { FastifyBaseLogger } from 'fastify'
import { ConfigError, place } from './config/faults.ts'
import type { Judged } from './config/load.ts'
import { describeFaults } from './reload-faults.ts'
import type { Reloaded } from './service.ts'

export interface ReloadOptions<T extends Pick<Judged, 'placeOf'>> {
  /** Reads and judges the configuration anew; rejects with ConfigError. */
  read(): Promise<T>
  /** Makes everything ready for it; rejects where that cannot be, and nothing has changed. */
  prepare(next: T): Promise<{ takeOver(): void | Promise<void> }>
  logger: Pick<FastifyBaseLogger, 'error' | 'info'>
  /** Hears of each one. */
  onOutcome(hasSucceeded: boolean): void
}

export interface Reloads {
  /** Because these files have `changed`, or because somebody asked. Rejects never. */
  reload(changed?: readonly string[]): Promise<Reloaded>
  /** Resolves when none is under way. */
  settled(): Promise<unknown>
}

/** No reload is under way. */
export function createReloads<T extends Pick<Judged, 'placeOf'>>(
  options: ReloadOptions<T>,
): Reloads {
  const { read, prepare, logger, onOutcome } = options
  let last: Promise<unknown> = Promise.resolve()

  return {
    reload(changed) {
      const outcome = last.then(() => tryOnce(changed))
      last = outcome
      return outcome
    },
    settled: () => last,
  }

  async function tryOnce(changed?: readonly string[]): Promise<Reloaded> {
    if (changed) logger.info({ files: changed }, 'changed: reading the configuration anew')
    let next: T | undefined
    try {
      next = await read()
      const { takeOver } = await prepare(next)
      await takeOver()
      onOutcome(true)
      return { ok: true }
    } catch (error) {
      const { placeOf } = next ?? {}
      const found = describeFaults(error)
      const { faults } = new ConfigError(placeOf ? found.map(one => place(one, placeOf)) : found)
      onOutcome(false)
      logger.error({ faults }, 'not reloaded: the configuration of before stays')
      return { ok: false, faults }
    }
  }
}
