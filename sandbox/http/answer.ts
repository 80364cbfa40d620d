// What the sandbox answers, as a value: FHIR, discovery and pages build it, faces change it, send.ts
// writes it. A body shorter than its announced length is cut off there on purpose.

export interface Answer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string | string[]>
  body?: string | Uint8Array | AsyncIterable<Uint8Array>
}

/** A JSON answer; `type` where it is no plain JSON. */
export function json(value: unknown, { status = 200, type = 'application/json' } = {}): Answer {
  return { status, headers: { 'content-type': type }, body: JSON.stringify(value) }
}

/** A text of any media type. */
export function text(body: string, { status = 200, type = 'text/plain; charset=utf-8' } = {}) {
  return { status, headers: { 'content-type': type }, body } satisfies Answer
}

/** A page of ours: no script, no outside resource, nothing cached. `frames` may be framed in it. */
export function page(body: string, { status = 200, frames = "'none'" } = {}): Answer {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-src ${frames}`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cache-control': 'no-store',
  }
  return { status, headers, body }
}

/** A redirect that is followed by GET. */
export function redirect(location: string, headers: Answer['headers'] = {}): Answer {
  return { status: 303, headers: { location, 'cache-control': 'no-store', ...headers } }
}

/** The answer with other or further headers. */
export function withHeaders(answer: Answer, headers: Answer['headers']): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
