// Server-Sent Events out of a stream of bytes (WHATWG HTML, event stream interpretation): not by
// EventSource, which tells neither the status of an answer nor its Date.

export interface ServerEvent {
  type: string
  data: string
}

const MAX_CHARACTERS = 1_000_000

/**
 * A reader that takes text as it comes and gives the events that are whole. Throws on an event that
 * does not end.
 */
export function createEventReader(): (text: string) => ServerEvent[] {
  let rest = ''
  let type = ''
  let data: string[] = []

  return text => {
    rest += text
    const events: ServerEvent[] = []
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) events.push({ type: type || 'message', data: data.join('\n') })
        type = ''
        data = []
      } else read(line)
    }
    const size = data.reduce((sum, { length }) => sum + length, rest.length)
    if (size > MAX_CHARACTERS) throw new Error('an event is too long')
    return events
  }

  function read(line: string): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'event') type = value
    if (name === 'data') data.push(value)
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
