// Lines that come in pieces, such as by a pipe: passed on whole, so that several writers share one log.

const LONGEST = 1024 * 1024

/** Takes pieces of text and writes the lines that are whole; one without an end is passed on as it is. */
export function createWholeLines(write: (lines: string) => void): (piece: string) => void {
  let rest = ''
  return piece => {
    const text = rest + piece
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) write(text.slice(0, end))
    rest = text.slice(end)
    if (rest.length < LONGEST) return
    write(`${rest}\n`)
    rest = ''
  }
}
