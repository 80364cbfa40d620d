// The outbound proxy of the environment, as curl and its kin read it: HTTPS_PROXY (or its lower-case
// twin), unless NO_PROXY names the host. Pure: the environment is passed in.

import type { Environment } from './environment.ts'

/**
 * The proxy for one address, or undefined; NO_PROXY takes host names, `.suffixes`,
 * ports and `*`. A proxy without a scheme is an http one.
 */
export function resolveProxy(address: string, env: Environment): string | undefined {
  const proxy = env.https_proxy ?? env.HTTPS_PROXY
  const { hostname, port, protocol } = new URL(address)
  if (!proxy || protocol !== 'https:') return undefined
  const excluded = (env.no_proxy ?? env.NO_PROXY ?? '').split(/[\s,]+/).filter(Boolean)
  const named = excluded.some(entry => {
    const [host = '', onlyPort] = entry.toLowerCase().split(':')
    if (onlyPort !== undefined && onlyPort !== (port || '443')) return false
    const suffix = host.replace(/^\*?\./, '')
    return entry === '*' || hostname === suffix || hostname.endsWith(`.${suffix}`)
  })
  if (named) return undefined
  return proxy.includes('://') ? proxy : `http://${proxy}`
}
