// JSON's numbers and literal names, byte by byte: RFC 8259 sections 3 and 6. Pure: no I/O, no clock.

/** What of a number was read last, or what of a literal name is still to come, behind a colon. */
export type ScalarState =
  | 'minus'
  | 'zero'
  | 'integer'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'sign'
  | 'power'
  | `:${string}`

const whole: ReadonlySet<ScalarState> = new Set<ScalarState>([
  ...(['zero', 'integer', 'fraction', 'power'] as const),
  ':',
])
const literals: Readonly<Record<number, ScalarState>> = { 116: ':rue', 102: ':alse', 110: ':ull' }

/** What a scalar is when this is its first byte; undefined when none begins so. */
export function beginScalar(byte: number): ScalarState | undefined {
  if (byte === 0x2d) return 'minus'
  return isDigit(byte) ? readFirstDigit(byte) : literals[byte]
}

/** What a scalar is with one more byte; undefined when that is no part of it. */
export function continueScalar(state: ScalarState, byte: number): ScalarState | undefined {
  if (state[0] === ':') return state.charCodeAt(1) === byte ? `:${state.slice(2)}` : undefined
  if (isDigit(byte)) return digitAfter[state]?.(byte)
  if (byte === 0x2e) return state === 'zero' || state === 'integer' ? 'point' : undefined
  if (byte === 0x65 || byte === 0x45) {
    return whole.has(state) && state !== 'power' ? 'exponent' : undefined
  }
  return (byte === 0x2b || byte === 0x2d) && state === 'exponent' ? 'sign' : undefined
}

/** Whether a scalar may end here. */
export function isWholeScalar(state: ScalarState): boolean {
  return whole.has(state)
}

const digitAfter: Readonly<Partial<Record<ScalarState, (byte: number) => ScalarState>>> = {
  minus: readFirstDigit,
  integer: () => 'integer',
  point: () => 'fraction',
  fraction: () => 'fraction',
  exponent: () => 'power',
  sign: () => 'power',
  power: () => 'power',
}

function readFirstDigit(byte: number): ScalarState {
  return byte === 0x30 ? 'zero' : 'integer'
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
