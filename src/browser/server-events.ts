// Server-Sent Events as they are written (WHATWG HTML, server-sent events). Pure: no I/O, no clock.

/** The headers of a stream of events that nothing on the way may hold back, names and values in turn. */
export const eventStreamHeaders: readonly string[] = [
  ...['content-type', 'text/event-stream; charset=utf-8'],
  ...['cache-control', 'no-store, private, no-transform'],
  ...['vary', 'Cookie, Origin'],
  ...['x-accel-buffering', 'no'],
  ...['x-content-type-options', 'nosniff'],
  ...['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ...['cross-origin-resource-policy', 'same-origin'],
  ...['referrer-policy', 'no-referrer'],
]

/** One event; its data becomes one line of JSON. */
export function formatEvent(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}

/** What is sent where there is nothing to say: proxies end what is silent. */
export const heartbeat = ': \n\n'
