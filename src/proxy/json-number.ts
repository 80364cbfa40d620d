// JSON's numbers, byte by byte: RFC 8259 section 6. Pure: no I/O, no clock.

/** What of a number was read last. */
export type NumberState =
  | 'minus'
  | 'zero'
  | 'integer'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'sign'
  | 'power'

const whole: ReadonlySet<NumberState> = new Set(['zero', 'integer', 'fraction', 'power'] as const)

/** What a number is when this is its first byte; undefined when none begins so. */
export function beginNumber(byte: number): NumberState | undefined {
  if (byte === 0x2d) return 'minus'
  return isDigit(byte) ? readFirstDigit(byte) : undefined
}

/** What a number is with one more byte; undefined when that is no part of it. */
export function continueNumber(state: NumberState, byte: number): NumberState | undefined {
  if (isDigit(byte)) return digitAfter[state]?.(byte)
  if (byte === 0x2e) return state === 'zero' || state === 'integer' ? 'point' : undefined
  if (byte === 0x65 || byte === 0x45) {
    return whole.has(state) && state !== 'power' ? 'exponent' : undefined
  }
  return (byte === 0x2b || byte === 0x2d) && state === 'exponent' ? 'sign' : undefined
}

/** Whether a number may end here. */
export function isWholeNumber(state: NumberState): boolean {
  return whole.has(state)
}

const digitAfter: Readonly<Partial<Record<NumberState, (byte: number) => NumberState>>> = {
  minus: readFirstDigit,
  integer: () => 'integer',
  point: () => 'fraction',
  fraction: () => 'fraction',
  exponent: () => 'power',
  sign: () => 'power',
  power: () => 'power',
}

function readFirstDigit(byte: number): NumberState {
  return byte === 0x30 ? 'zero' : 'integer'
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
