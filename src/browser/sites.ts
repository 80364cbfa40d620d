// Whether two origins are of one site, as browsers count it for SameSite cookies: the scheme and the
// registrable domain. Pure. RFC 6265bis 5.2.

/**
 * Whether a page of that origin is certainly of another site than the public URL: tickets are not sent from
 * there. Two names below one public suffix of several labels (`co.uk`, `github.io`) are not told apart.
 */
export function isAnotherSite(origin: string, publicUrl: string): boolean {
  const [one, other] = [new URL(origin), new URL(publicUrl)]
  if (one.protocol !== other.protocol) return true
  if (one.hostname === other.hostname) return false
  return isAddress(one.hostname) || isAddress(other.hostname)
    ? true
    : readEnd(one.hostname) !== readEnd(other.hostname)
}

/** A registrable domain has two labels at least: where these differ, so does it. */
function readEnd(hostname: string): string {
  return hostname.split('.').slice(-2).join('.')
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
}
