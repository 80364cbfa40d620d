// Who asked, as a log may hold it: the ids under which the caller itself keeps the request, where they are
// plain and short. Pure: no I/O, no clock (attacks G1, G6).

/** The caller's own names for a request. */
export interface Caller {
  /** W3C Trace Context. */
  traceparent?: string
  /** The caller's X-Request-Id. */
  callerId?: string
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const ID = /^[\w.:+/=-]{1,64}$/
const NOBODY: Caller = {}

/** The ids in the headers of a request; what is longer or stranger than ids are is left out. */
export function readCaller(headers: Headers): Caller {
  const { traceparent, 'x-request-id': callerId } = headers
  if (traceparent === undefined && callerId === undefined) return NOBODY
  return { traceparent: match(traceparent, TRACEPARENT), callerId: match(callerId, ID) }
}

function match(value: string | string[] | undefined, grammar: RegExp): string | undefined {
  return typeof value === 'string' && grammar.test(value) ? value : undefined
}
