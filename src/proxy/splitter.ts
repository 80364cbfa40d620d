// A text that comes in pieces, cut where its grammar separates: each part once, and of a very long one
// its beginning. Pure: no I/O, no clock.

export interface Splitter {
  push(text: string): void
  end(): void
}

export interface SplitRules {
  /** Global: single characters, or escapes of them. */
  separator: RegExp
  /** How much of a part is given at most. */
  longest: number
  /** Takes a part that is not empty, and where it begins; a cut one goes on. */
  give(part: string, at: number, isCut: boolean): void
}

const BEGUN_ESCAPE = /%.?$/

export function createSplitter({ separator, longest, give }: SplitRules): Splitter {
  let part = ''
  let startsAt = 0
  /** The beginning of an escape, which may be that of a separator. */
  let begun = ''
  /** Characters before it. */
  let before = 0

  return {
    push(piece) {
      const text = begun + piece
      begun = BEGUN_ESCAPE.exec(text)?.[0] ?? ''
      const end = text.length - begun.length
      let from = 0
      separator.lastIndex = 0
      for (let found = separator.exec(text); found; found = separator.exec(text)) {
        add(text.slice(from, found.index))
        from = separator.lastIndex
        finish(before + from)
      }
      add(text.slice(from, end))
      before += end
    },
    end() {
      add(begun)
      finish(before)
    },
  }

  function add(text: string): void {
    if (part.length < longest) part += text.slice(0, longest - part.length)
  }

  function finish(nextAt: number): void {
    if (part !== '') give(part, startsAt, part.length === longest)
    part = ''
    startsAt = nextAt
  }
}
