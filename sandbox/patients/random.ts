// Chance that repeats: numbers from a seed, so that every sandbox has the same patients. Pure.

export interface Random {
  /** From 0 up to 1. */
  uniform(): number
  /** Around 0, mostly within -1 to 1. */
  spread(): number
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
}

/** The sequence that belongs to a seed. */
export function createRandom(seed: string): Random {
  let state = [...seed].reduce((hash, character) => mix(hash, character.charCodeAt(0)), 0x811c9dc5)
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    const a = Math.imul(state ^ (state >>> 15), state | 1)
    const b = a ^ (a + Math.imul(a ^ (a >>> 7), a | 61))
    return ((b ^ (b >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    uniform,
    spread: () => (uniform() + uniform() + uniform() - 1.5) / 0.75,
    between: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
  }
}

function mix(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193) >>> 0
}
