// The names of JSON objects: none twice in one object, none that a reader could cut or take for
// another, and not without end. Which of two members counts is each reader's own choice (RFC 8259
// section 4), so two that are equal are refused wherever they stand. Pure: no I/O, no clock.

const MAX_NAMES = 1024
const LONGEST = 256
const UNREADABLE = /[\p{Cc}\p{Cs}]/u

/** Remembers the names of the objects that are open, by their depth. */
export interface JsonNames {
  /** An object opens at this depth: the names of the last one there are forgotten. */
  forget(depth: number): void
  /** Adds a name to the open object of this depth; tells, in fixed words, why it may not be there. */
  add(depth: number, name: string): string | undefined
}

export function createJsonNames(): JsonNames {
  const open: Set<string>[] = []
  return {
    forget(depth) {
      if (open[depth]?.size) open[depth].clear()
    },
    add(depth, name) {
      open[depth] ??= new Set()
      const seen = open[depth]
      if (name.length > LONGEST || UNREADABLE.test(name)) return 'a name that is none'
      if (seen.has(name)) return 'a name twice in one object'
      return seen.add(name).size > MAX_NAMES ? 'too many names in one object' : undefined
    },
  }
}
