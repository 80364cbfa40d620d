// A request's name as answers tell it: a host's app may make any text of it, or let callers choose it.
// Pure: no I/O, no clock.

const TELLABLE = /^[A-Za-z0-9._:;=,/+@%-]{1,256}$/

/**
 * A request's id for a header, a problem document or a page: as it is where it has plain characters and
 * 256 of them at most, otherwise percent-encoded and cut to that.
 */
export function tellId(id: unknown): string {
  const text = String(id)
  if (TELLABLE.test(text)) return text
  const plain = encodeURIComponent(text.slice(0, 256).toWellFormed()).replace(
    /[^A-Za-z0-9._%-]/g,
    '_',
  )
  return plain.slice(0, 256) || 'none'
}
