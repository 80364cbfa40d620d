// Whether a process takes new logins, as an operator has told it: sessions that exist are served all the
// same. Undone by the operator, or by the end of the process. The time of day is passed in.

export interface DrainState {
  /** No new login begins. */
  draining: boolean
  /** Whether `/readyz` is not kept from saying so. */
  ready: boolean
  /** Since when, in ISO 8601. */
  since?: string
}

export interface Drain {
  read(): DrainState
  /** `staysReady`: for a process that is alone, which a balancer must not leave. */
  begin(staysReady: boolean): DrainState
  end(): DrainState
  /** As another process has been told. */
  take(state: DrainState): void
}

/** A process that takes logins. */
export function createDrain(now: () => number = Date.now): Drain {
  let state: DrainState = { draining: false, ready: true }

  return {
    read: () => state,
    begin(staysReady) {
      const since = state.since ?? new Date(now()).toISOString()
      state = { draining: true, ready: staysReady, since }
      return state
    },
    end() {
      state = { draining: false, ready: true }
      return state
    },
    take(given) {
      state = given
    },
  }
}
