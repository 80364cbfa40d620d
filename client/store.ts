// A value that changes and can be subscribed to, in the shape that React's useSyncExternalStore takes as
// it is, on a server too: functions that need no `this`, and the same reference as long as nothing has changed.

export interface Store<T> {
  /** Hears of every change; the returned function ends that. */
  subscribe(listener: () => void): () => void
  getSnapshot(): T
  /** What a server renders, and a page until it has taken that over: as if nothing were known yet. */
  getServerSnapshot(): T
}

export interface Changeable<T> extends Store<T> {
  /** Sets the value; the same reference is no change. */
  set(value: T): void
}

/**
 * Calls each listener, whatever becomes of the others: what one of them throws is the page's own error, and
 * nobody's else.
 */
export function callEach<T>(listeners: Iterable<(value: T) => void>, value: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(value)
    } catch (error) {
      setTimeout(() => {
        throw error
      })
    }
  }
}

/** A store; `onUse` hears when the first listener comes, and what it returns when the last one goes. */
export function createStore<T>(value: T, onUse?: () => () => void): Changeable<T> {
  const listeners = new Set<() => void>()
  let current = value
  let onRest: (() => void) | undefined

  return {
    getSnapshot: () => current,
    getServerSnapshot: () => value,
    subscribe(listener) {
      // One entry for each subscription, though it be the same function twice.
      const entry = () => listener()
      listeners.add(entry)
      if (listeners.size === 1) onRest = onUse?.()
      return () => {
        if (listeners.delete(entry) && listeners.size === 0) onRest?.()
      }
    },
    set(next) {
      if (Object.is(next, current)) return
      current = next
      callEach(listeners, undefined)
    },
  }
}
