// Apps of one page: addresses that the app itself understands are no files, and a browser that comes to
// one gets the app's page. Never for files, never for what a script asks for, never below a route of ours:
// there a page would pass for an answer. Pure: no I/O.

export interface AskedPage {
  method: string
  /** Below the public URL's own path, decoded, without the query. */
  path: string
  headers: { 'sec-fetch-mode'?: string | string[]; accept?: string }
}

/** The first segments of the product's own routes. */
export const routeRoots: readonly string[] = [
  ...['launch', 'login', 'redirect', 'ehrs', 'sessions', 'fhir', 'logout', 'backchannel-logout'],
  ...['docs', 'healthz', 'readyz', 'smart'],
]

const HIDDEN_OR_FILE = /(?:^|\/)\.|\.[^/]*$/

/** Whether a request is a browser that goes to an address which may be the app's own. */
export function isPageOfApp({ method, path, headers }: AskedPage): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  const [root = ''] = path.split('/').filter(Boolean)
  if (HIDDEN_OR_FILE.test(path) || routeRoots.includes(root)) return false
  const { 'sec-fetch-mode': mode, accept = '' } = headers
  return mode === undefined ? accept.includes('text/html') : mode === 'navigate'
}
