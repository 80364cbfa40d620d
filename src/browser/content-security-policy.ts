// Content security policies, put together from directives: a source that would end its directive or its
// policy early is a fault of the configuration. Pure: no I/O. CSP level 3, section 2.2.1.

/** Directives in the order they are written, each with its sources. */
export type Directives = Readonly<Record<string, readonly string[]>>

const SOURCE = /^[!-+\--:<-~]{1,2048}$/

/** The value of Content-Security-Policy. Throws a TypeError for a source that is no single word. */
export function buildPolicy(directives: Directives): string {
  return Object.entries(directives)
    .map(([name, sources]) => [name, ...sources.map(requireSource)].join(' '))
    .join('; ')
}

/** Who may frame a page: the origins given, or nobody. */
export function framedBy(origins: readonly string[] = []): readonly string[] {
  return origins.length > 0 ? origins : ["'none'"]
}

function requireSource(source: string): string {
  if (!SOURCE.test(source)) throw new TypeError('a source of a content security policy is no word')
  return source
}

const MEMORY = ['blob:', 'data:']

/** The name by which a configuration asks for `buildExistingAppPolicy`. */
export const EXISTING_APP = 'existing-app'

/**
 * For apps that were written without a policy: inline scripts and styles, those of content delivery
 * networks, and documents from memory. A script that somebody slips in can read what the page can; it can
 * send it nowhere by fetch, and finds no token.
 */
export function buildExistingAppPolicy(frameAncestors: readonly string[] = []): string {
  return buildPolicy({
    'default-src': ["'self'"],
    'script-src': ["'self'", "'unsafe-inline'", "'unsafe-eval'", 'https:'],
    'style-src': ["'self'", "'unsafe-inline'", 'https:'],
    'font-src': ["'self'", 'https:', 'data:'],
    'img-src': ["'self'", ...MEMORY, 'https:'],
    // What a page has in its memory comes from no server: a PDF in a frame, an object or an embed.
    'frame-src': ["'self'", ...MEMORY],
    'object-src': ["'self'", ...MEMORY],
    'media-src': ["'self'", ...MEMORY],
    'worker-src': ["'self'", 'blob:'],
    'connect-src': ["'self'", ...MEMORY],
    'base-uri': ["'self'"],
    'form-action': ["'self'"],
    'frame-ancestors': framedBy(frameAncestors),
  })
}
