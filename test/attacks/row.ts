// What a row of the suite is, and what it is given.

import type { HostileEhrs } from './ehr/ehrs.ts'
import type { Login, LoginOptions } from './login.ts'
import type { Outsider } from './outsider.ts'

export interface Scene {
  /** The deployment's public URL without a slash at its end, its origin, and its path. */
  target: { url: string; origin: string; prefix: string; isSecure: boolean }
  /** Whether existing apps are served below /smart. */
  hasFacade: boolean
  ehrs: HostileEhrs
  outsider: Outsider
  /** Logs in at one of the suite's EHRs, as a browser with an empty jar unless told. */
  login(options?: LoginOptions): Promise<Login>
  /** Begins a login and stops before the redirect URI. */
  begin(options?: LoginOptions): Promise<Login>
  /** One check of the row: what was seen where it does not hold. */
  hold(isWell: boolean, seen: string): void
}

export interface Row {
  /** As in docs/catalogue/attacks.json. */
  id: string
  /** Rows of the catalogue that it tells as well. */
  also?: readonly string[]
  what: string
  /** Waits for time-outs of the target: started first, beside the others. */
  isSlow?: true
  needs?: 'facade' | 'tls'
  attack(scene: Scene): Promise<void>
}

export type Outcome = 'held' | 'failed' | 'not asked'

export interface Finding {
  row: string
  what: string
  outcome: Outcome
  /** What was seen: where it failed what failed, else how many checks held, or why it was not asked. */
  seen: string[]
}
