// Finds an access token in a text of the EHR, in the forms in which careless servers write down what
// they were sent: as it is, escaped as in URLs and JSON, in base64 wherever it stands in the encoded
// text, in hexadecimal (attacks R16). Pure: no I/O, no clock.

/** The forms of one token, the shortest first; made once per token. */
export type TokenTraces = readonly string[]

// A shorter token is found in every second header, and can be guessed anyway (RFC 6749 section 10.10).
const SHORTEST_TOKEN = 8
const ESCAPED = /[%\\]/

/** Prepares the search for an access token; too short a token has no traces. */
export function buildTokenTraces(token: string): TokenTraces {
  if (token.length < SHORTEST_TOKEN) return []
  const bytes = Buffer.from(token)
  const traces = [token, ...[0, 1, 2].flatMap(offset => encode(bytes, offset))]
  return [...new Set([...traces, bytes.toString('hex'), bytes.toString('hex').toUpperCase()])]
}

/** Whether a text holds the token in one of its forms. */
export function showsToken(text: string, traces: TokenTraces): boolean {
  const [token] = traces
  if (token === undefined || text.length < token.length) return false
  if (holds(text, traces)) return true
  return ESCAPED.test(text) && listReadings(text).some(reading => holds(reading, traces))
}

function holds(text: string, traces: TokenTraces): boolean {
  for (const trace of traces) {
    if (text.length >= trace.length && text.includes(trace)) return true
  }
  return false
}

/** The characters of base64 that depend on the token alone, with that many bytes before it. */
function encode(bytes: Buffer, offset: number): string[] {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes])
  const from = Math.ceil((offset * 4) / 3)
  const to = Math.floor((whole.length * 4) / 3)
  return (['base64', 'base64url'] as const).map(form => whole.toString(form).slice(from, to))
}

// Percent-encoding, twice for a URL within a URL, and the escapes of JSON in each.
function listReadings(text: string): string[] {
  const once = decodePercent(text)
  const readings = [text, once, decodePercent(once)]
  return [...readings, ...readings.map(decodeJson)]
}

function decodePercent(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => fromHex(hex))
}

function decodeJson(text: string): string {
  return text.replace(
    /\\(?:u00([0-9A-Fa-f]{2})|(.))/g,
    (_, hex: string | undefined, itself: string) => (hex === undefined ? itself : fromHex(hex)),
  )
}

function fromHex(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}
