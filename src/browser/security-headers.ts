// The headers that every answer of ours carries unless its route says otherwise: nothing is cached,
// sniffed, framed or told to other sites. Pure: no I/O.

import { buildPolicy, framedBy } from './content-security-policy.ts'

export interface SecurityHeadersRules {
  /** Origins of EHRs that show the app in a frame. */
  frameAncestors: readonly string[]
  /** True behind https: adds HSTS. */
  secure: boolean
  /** Whether HSTS is for the host's subdomains too, which may be others'. */
  hstsIncludeSubDomains?: boolean
  /** Whether a window and the one that opened it go on knowing each other, as an app with pop-ups needs. */
  keepOpener?: boolean
}

/** Names in lower case and values. */
export function buildSecurityHeaders({
  frameAncestors,
  secure,
  hstsIncludeSubDomains = false,
  keepOpener = false,
}: SecurityHeadersRules): Readonly<Record<string, string>> {
  const hsts = `max-age=31536000${hstsIncludeSubDomains ? '; includeSubDomains' : ''}`
  const isFramed = frameAncestors.length > 0
  return {
    'cache-control': 'no-store',
    'content-security-policy': buildPolicy({
      'default-src': ["'none'"],
      'frame-ancestors': framedBy(frameAncestors),
    }),
    'cross-origin-opener-policy': chooseOpenerPolicy(keepOpener),
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...(isFramed ? {} : { 'x-frame-options': 'DENY' }),
    ...(secure ? { 'strict-transport-security': hsts } : {}),
  }
}

/** Redirects count as well: one that parts the windows on the way to an EHR parts them for good. */
export function chooseOpenerPolicy(keepOpener: boolean): 'unsafe-none' | 'same-origin' {
  return keepOpener ? 'unsafe-none' : 'same-origin'
}
