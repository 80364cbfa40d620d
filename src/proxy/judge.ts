// The judges of request bodies: each reads one grammar as its bytes come, refuses what the EHR could
// read otherwise, and says where our address has to become the EHR's. Pure: no I/O, no clock.

import type { Edits } from './edits.ts'
import type { Restoration } from './own-address.ts'

export interface Judge {
  /** Reads on; refuses as soon as something is wrong. */
  push(bytes: Buffer): void
  /** The body is over. */
  end(): void
  /** What is to be changed in the bytes, complete at the end. */
  readonly edits: Edits
}

export interface JudgeRules {
  /** Our address becomes the EHR's; undefined where nothing is rewritten. */
  whose: Restoration | undefined
  /** The body goes to the FHIR base of this URL, where entries ask for things. */
  entriesBelow: string | undefined
}
