// Which files of the frontend's folder are nobody's business: those that begin with a dot, and all that
// lies in folders that do (.env, .git, .htpasswd). Pure: no I/O.

/** Registered for what the public is to find (RFC 8615); at the root alone. */
const PUBLIC = '.well-known'

/** Whether a decoded path (from its first slash) leads through a name that begins with a dot. */
export function isHidden(path: string): boolean {
  const [, first, ...rest] = path.split('/')
  return (isDotted(first) && first !== PUBLIC) || rest.some(isDotted)
}

function isDotted(segment: string | undefined): boolean {
  return segment?.startsWith('.') ?? false
}
