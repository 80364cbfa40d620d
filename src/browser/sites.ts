// Whether two origins are of one site, as browsers count it for SameSite cookies: the scheme and the
// registrable domain, by the public suffix list with its private part. Pure. RFC 6265bis 5.2.

import { getDomain } from 'tldts'

/**
 * Whether a page of that origin is of another site than the public URL: tickets are not sent from there.
 * Names that have no registrable domain, such as `localhost` and addresses, are a site each.
 */
export function isAnotherSite(origin: string, publicUrl: string): boolean {
  const [one, other] = [new URL(origin), new URL(publicUrl)]
  return one.protocol !== other.protocol || readSite(one.hostname) !== readSite(other.hostname)
}

function readSite(hostname: string): string {
  return getDomain(hostname, { allowPrivateDomains: true }) ?? hostname
}
