// Lines that come in pieces, such as by a pipe: passed on whole, so that several writers share one log. Pieces that
// end with a line, as most do, are passed on as they are.

const LONGEST = 1024 * 1024
const NEWLINE = 10
const END = Buffer.from('\n')

/** Takes pieces and writes the lines that are whole; one without an end is cut after a mebibyte. */
export function createWholeLines(write: (lines: Buffer) => void): (piece: Buffer) => void {
  let rest: Buffer[] = []
  let waiting = 0

  return piece => {
    const end = piece.lastIndexOf(NEWLINE) + 1
    if (end > 0) pass(piece.subarray(0, end))
    if (end < piece.length) keep(piece.subarray(end))
    if (waiting >= LONGEST) pass(END)
  }

  function pass(lines: Buffer): void {
    write(rest.length === 0 ? lines : Buffer.concat([...rest, lines]))
    rest = []
    waiting = 0
  }

  function keep(piece: Buffer): void {
    rest.push(piece)
    waiting += piece.length
  }
}
