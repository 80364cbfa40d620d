// How long a client may keep us waiting for more of its body: a pause, and then only as long as bytes
// come at the slowest pace that is put up with. A byte now and then buys nothing (attacks P18, DS1).
// Pure: no I/O, no clock.

export interface PatienceLimits {
  /** Longest pause between two pieces, in milliseconds. */
  idleMs: number
  /** Slowest pace that is put up with; without a bound unless told. */
  bytesPerSecond?: number
}

export interface Patience {
  /** How much longer to wait for the next piece, in milliseconds. */
  readonly leftMs: number
  /** A piece came after a wait; what it buys is no more than one pause. */
  received(bytes: number, waitedMs: number): void
}

export function createPatience({ idleMs, bytesPerSecond }: PatienceLimits): Patience {
  let leftMs = idleMs
  return {
    get leftMs() {
      return leftMs
    },
    received(bytes, waitedMs) {
      if (bytesPerSecond === undefined) return
      const boughtMs = (bytes / bytesPerSecond) * 1000
      leftMs = Math.max(0, Math.min(idleMs, leftMs - waitedMs + boughtMs))
    },
  }
}
