// A base URL in every spelling that means the same: case of scheme and host, the default port said or
// not. The source of a regular expression. Pure: no I/O, no clock. RFC 3986 section 6.2.

/** The source of an expression for one base URL; a trailing slash of the base counts for nothing. */
export function spellBase(base: string): string {
  return spellScheme(base) + spellRest(base)
}

/** The same without the scheme, as `//host/path`. */
export function spellWithoutScheme(base: string): string {
  return spellRest(base)
}

/** The same without scheme and host. */
export function spellPath(base: string): string {
  return quote(new URL(base).pathname.replace(/\/$/, ''))
}

function spellScheme(base: string): string {
  return `(?i:${new URL(base).protocol})`
}

function spellRest(base: string): string {
  const { protocol, hostname, port } = new URL(base)
  const places = port === '' ? `(?::${defaultPort(protocol)})?` : `:${port}`
  return `//(?i:${quote(hostname)})${places}${spellPath(base)}`
}

function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80
}

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|-]/g, '\\$&')
}
