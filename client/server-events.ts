// Server-Sent Events out of a stream of bytes (WHATWG HTML, event stream interpretation): not by
// EventSource, which tells neither the status of an answer nor its Date.

export interface ServerEvent {
  type: string
  data: string
}

// The most that is kept of an event before its end has come.
const MAX_CHARACTERS = 1_000_000

/**
 * A reader that takes text as it comes and gives the events that are whole, in work proportional to the
 * text however it was cut. Throws on an event that is too long, before it has ended.
 */
export function createEventReader(): (text: string) => ServerEvent[] {
  let line = ''
  let type = ''
  let data = ''
  let isAfterReturn = false

  return text => {
    const events: ServerEvent[] = []
    // The second half of an end of line that was cut: its first half has ended the line.
    const unread = isAfterReturn ? text.replace(/^\n/, '') : text
    if (text !== '') isAfterReturn = text.endsWith('\r')
    const [end = '', ...beginnings] = unread.split(/\r\n|\n|\r/)
    keep(end)
    for (const beginning of beginnings) {
      if (line !== '') read()
      else {
        if (data !== '') events.push({ type: type || 'message', data: data.slice(0, -1) })
        type = ''
        data = ''
      }
      line = ''
      keep(beginning)
    }
    return events
  }

  function keep(text: string): void {
    line += text
    if (line.length + type.length + data.length > MAX_CHARACTERS) {
      throw new Error('an event is too long')
    }
  }

  function read(): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'event') type = value
    if (name === 'data') data += `${value}\n`
  }
}

/**
 * The events of a body as they come. Ends with the stream, and with an error when nothing, not even a
 * comment, has come for so many milliseconds.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
): AsyncGenerator<ServerEvent> {
  const read = createEventReader()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (;;) {
      const { value, done } = await withDeadline(reader.read(), silenceMs)
      if (done) return
      yield* read(decoder.decode(value, { stream: true }))
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

async function withDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the stream is silent')), milliseconds)
  })
  return await Promise.race([work, deadline]).finally(() => clearTimeout(timer))
}
