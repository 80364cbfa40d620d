// The page around the client, where there is one: none where a server renders pages ahead, none in a
// worker. All of it is asked for when it is needed, so that the module loads anywhere.

interface Listening {
  addEventListener(type: string, listener: (event: { persisted?: boolean }) => void): void
  removeEventListener(type: string, listener: (event: { persisted?: boolean }) => void): void
}

export interface LockManager {
  request(
    name: string,
    options: { steal?: boolean; signal?: AbortSignal },
    work: () => Promise<void>,
  ): Promise<void>
}

interface PageLocation {
  href: string
  origin: string
  /** From the page around this one to the outermost; not in every browser. */
  ancestorOrigins?: ArrayLike<string>
  assign(url: string): void
}

interface Page extends Partial<Listening> {
  location?: PageLocation
  parent?: unknown
  document?: Listening & { visibilityState: string }
  navigator?: { locks?: LockManager }
  BroadcastChannel?: new (name: string) => Channel
}

const page = globalThis as unknown as Page

/** Where the page is; undefined outside of pages. */
export function readLocation(): PageLocation | undefined {
  return page.location
}

/**
 * Which jar of cookies this page has: a frame's is that of the site around it, whatever else it shares with
 * other pages of its origin. Empty for a tab.
 */
export function nameJar(): string {
  const { ancestorOrigins = [] } = page.location ?? {}
  const isFramed = page.parent !== undefined && page.parent !== page
  return isFramed ? (ancestorOrigins[ancestorOrigins.length - 1] ?? 'a frame') : ''
}

/** Whether somebody can see the page; a worker or server has none that is hidden. */
export function isVisible(): boolean {
  return page.document?.visibilityState !== 'hidden'
}

/** The locks that tabs share; undefined where there are none, as without https. */
export function findLocks(): LockManager | undefined {
  return page.navigator?.locks
}

export interface Channel {
  postMessage(message: unknown): void
  onmessage: ((event: { data: never }) => void) | null
  close(): void
}

/** A channel to the other tabs of this origin; undefined where there is none, or the browser refuses it. */
export function openChannel(name: string): Channel | undefined {
  try {
    return page.BroadcastChannel && new page.BroadcastChannel(name)
  } catch {
    return undefined
  }
}

/**
 * Hears that the page has become visible, that it is left, and that it is shown again after the
 * browser kept it for going back. The returned function ends that.
 */
export function hearPage(heard: { onShow(): void; onLeave(): void; onReturn(): void }): () => void {
  const listeners = [
    [page.document, 'visibilitychange', () => isVisible() && heard.onShow()],
    [page, 'online', heard.onShow],
    [page, 'pagehide', heard.onLeave],
    [page, 'pageshow', (event: { persisted?: boolean }) => event.persisted && heard.onReturn()],
  ] as const
  for (const [target, type, listener] of listeners) target?.addEventListener?.(type, listener)
  return () => {
    for (const [target, type, listener] of listeners) target?.removeEventListener?.(type, listener)
  }
}
