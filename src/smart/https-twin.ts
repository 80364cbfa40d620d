// Addresses that an EHR writes as http because the proxy before it ends TLS: every server behind one writes
// its own addresses so until it is told otherwise. Pure: no I/O, no clock.

import type { Quirks } from './types.ts'

/**
 * An http address as https, where the registration says that its EHR means that, and its host and port are a
 * pinned origin as https and none as http; every other address as it is, to be judged as that.
 */
export function readAddress(
  url: URL,
  { origins, quirks }: { origins: readonly string[]; quirks?: Pick<Quirks, 'httpAddresses'> },
): URL {
  if (quirks?.httpAddresses !== 'asHttps') return url
  if (url.protocol !== 'http:' || origins.includes(url.origin)) return url
  const twin = new URL(url)
  twin.protocol = 'https:'
  return origins.includes(twin.origin) ? twin : url
}
