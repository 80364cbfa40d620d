// How long an EHR that failed is left in peace: as long as it asked for, else a moment that grows with
// each failure in a row. Pure: the time and the randomness are passed in (RFC 9110 10.2.3).

/** The first rest where the EHR asks for none lasts one to two seconds. */
const FIRST_MS = 1_000
const MAX_DOUBLINGS = 16
const DAY_SECONDS = 24 * 3600

/**
 * The rest in milliseconds after so many failures in a row, the first counting 1: what was asked for,
 * and never shorter than one to two seconds doubled for each earlier failure; at most `maxMs`. A first
 * failure rests exactly as long as was asked. `random` lies between 0 and 1.
 */
export function chooseRest(
  failures: number,
  { askedSeconds = 0, random, maxMs }: { askedSeconds?: number; random: number; maxMs: number },
): number {
  const asked = askedSeconds * 1000
  const grown = FIRST_MS * (1 + random) * 2 ** Math.min(failures - 1, MAX_DOUBLINGS)
  return Math.min(maxMs, failures === 1 && asked > 0 ? asked : Math.max(grown, asked))
}

/** Retry-After in seconds, a number or a date, at most a day; undefined where there is none to read. */
export function readRetryAfter(
  headers: Pick<Headers, 'get'>,
  now: () => number,
): number | undefined {
  const text = headers.get('retry-after') ?? ''
  if (/^\d{1,15}$/.test(text)) return Math.min(Number(text), DAY_SECONDS)
  const date = /^[A-Z][a-z]{2}, [\x20-\x7e]{1,40} GMT$/.test(text) ? Date.parse(text) : Number.NaN
  const seconds = Math.ceil((date - now()) / 1000)
  return seconds > 0 ? Math.min(seconds, DAY_SECONDS) : undefined
}
