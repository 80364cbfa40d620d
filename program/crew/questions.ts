// What the primary and its workers have to say to each other.

import type { EhrState } from '../../plugins/discovery.ts'
import type { Measured } from '../../src/measured.ts'
import type { ConfigSnapshot } from '../cli/configuration.ts'
import type { ConfigFault } from '../config/faults.ts'
import type { Operated } from '../operation.ts'
import type { Reloaded } from '../service.ts'

/** What a worker is to be. */
export interface Orders {
  /** From 1; held by one living worker at a time, and reused by the next. */
  slot: number
  /** Workers besides which it serves, itself included. */
  processes: number
  snapshot: ConfigSnapshot
  operated: Operated
}

/** What the primary asks of a worker. */
export interface OfWorker {
  /** Builds the next generation beside the one of now; why it cannot, or nothing. */
  prepare(snapshot: ConfigSnapshot): readonly ConfigFault[]
  /** Hands every request to what was prepared. */
  takeOver(none: undefined): void
  /** Forgets what was prepared. */
  giveUp(none: undefined): void
  measure(none: undefined): readonly Measured[]
  ehrStates(none: undefined): readonly EhrState[]
  operate(change: Operated): void
  learnAvailability(seen: Availability): void
  /** Ends: with all others, or by itself while the others serve. */
  end(how: 'drain' | 'leave'): void
}

/** What a worker asks of the primary. */
export interface OfPrimary {
  orders(none: undefined): Orders
  ready(none: undefined): void
  /** It cannot start, in one line, and with the status of such an end. */
  refuse(why: Refusal): void
  /** It takes nothing new. */
  leaving(none: undefined): void
  /** It is about to be gone, and this is what it has counted. */
  farewell(counted: readonly Measured[]): void
  reload(none: undefined): Reloaded
  metricsText(none: undefined): string
  ehrStates(none: undefined): readonly EhrState[]
  /** Resolves when the change is in force everywhere. */
  operate(change: Operated): void
  tellAvailability(seen: Availability): void
}

export interface Refusal {
  message: string
  status: number
}

export interface Availability {
  ehr: string
  isDown: boolean
}
