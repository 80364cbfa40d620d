// Requests that a browser makes ahead of its user: nothing that can be done once may be done by one.
// Pure: no I/O, no clock. W3C Resource Hints, and what Firefox and Safari said before it.

const HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const

/** Whether a request says that it is made ahead: a prefetch, a prerendering or a preview. */
export function isPrefetch(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): boolean {
  return HEADERS.some(name => /prefetch|prerender|preview/i.test(String(headers[name] ?? '')))
}
