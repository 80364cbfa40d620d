// Work counted instead of timed: a text that notes how many of its characters are looked at. Its
// slices note into the same count, and a regular expression counts as one look at the whole.

export interface Counted {
  text: string
  /** Characters looked at so far, each as often as it was. */
  readonly steps: number
}

/** Wraps a text; a comparison, a search and a slice cost as much as they touch. */
export function countSteps(text: string): Counted {
  const count = { steps: 0 }
  return {
    text: wrap(text, count),
    get steps() {
      return count.steps
    },
  }
}

/** How many times the work grows when the text does fourfold. */
export function growthOf(work: (text: string) => void, unit: string, times: number): number {
  const stepsOf = (text: string) => {
    const counted = countSteps(text)
    work(counted.text)
    return counted.steps
  }
  return stepsOf(unit.repeat(4 * times)) / stepsOf(unit.repeat(times))
}

function wrap(text: string, count: { steps: number }): string {
  const whole = () => {
    count.steps += text.length
    return text
  }
  const methods: Record<string | symbol, unknown> = {
    length: text.length,
    charCodeAt(at: number) {
      count.steps++
      return text.charCodeAt(at)
    },
    indexOf(sought: string, from = 0) {
      const at = text.indexOf(sought, from)
      count.steps += (at === -1 ? text.length : at + sought.length) - from
      return at
    },
    slice(from?: number, to?: number) {
      const part = text.slice(from, to)
      count.steps += part.length
      return wrap(part, count)
    },
    toString: whole,
    valueOf: whole,
    [Symbol.toPrimitive]: whole,
  }
  const counted = new Proxy(methods, {
    get(_target, name) {
      if (name in methods) return methods[name]
      throw new Error(`${String(name)} is not counted`)
    },
  })
  return counted as unknown as string
}
