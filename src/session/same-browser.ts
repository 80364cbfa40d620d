// One browser's sessions taken together. At the callback the browser sends no Strict ticket, so the
// vault is asked by the browser cookie: what is over the limit or belongs to an earlier user ends, and
// the cookies of all that is over are named so that they can be cleared.

import type { Vault } from '../vault/vault.ts'
import type { RecordSealer } from './sealer.ts'
import type { OpenSession } from './session.ts'
import type { SessionStore } from './store.ts'

export interface BrowserRules {
  /** Live sessions one browser may have; the least recently used end first. */
  perBrowser: number
  /** `end`: a login by another user at the same EHR ends the earlier user's sessions here. */
  onUserChange: 'end' | 'keep'
}

export interface BrowserSessions {
  /** Notes which cookie the browser is about to be given. */
  noteTicket(browser: string, open: OpenSession): Promise<void>
  /** Applies the rules after a login; returns the sessions whose cookies the browser can drop. */
  settle(browser: string, open: OpenSession): Promise<readonly IssuedTicket[]>
}

export interface IssuedTicket {
  /** Session id. */
  id: string
  ehr: string
}

const BROWSER = /^[A-Za-z0-9_-]{22}$/

/** The name of a browser as its cookie tells it; a new one where that is none of ours. */
export function nameBrowser(
  sent: string | undefined,
  randomBytes: (size: number) => Uint8Array,
): string {
  if (sent !== undefined && BROWSER.test(sent)) return sent
  return Buffer.from(randomBytes(16)).toString('base64url')
}

export function createBrowserSessions(options: {
  vault: Vault
  store: SessionStore
  sealer: RecordSealer
  rules: BrowserRules
  now: () => number
}): BrowserSessions {
  const { vault, store, sealer, rules, now } = options

  return { noteTicket, settle }

  // A note lives as long as the cookie may, longer than an idle session: without it nobody would
  // know the names of the cookies that a hundred abandoned launches have left in the browser.
  async function noteTicket(browser: string, { session }: OpenSession): Promise<void> {
    const recordId = noteId(session.id)
    const plain = Buffer.from(JSON.stringify({ id: session.id, ehr: session.ehr }), 'utf8')
    await vault.insert(recordId, {
      ...sealer.seal(noteAddress(recordId, browser), plain),
      lastUsedAt: now(),
      expiresAt: session.endsAt,
      endsAt: session.endsAt,
      indexes: sealer.indexes('issued', browser).slice(0, 1),
    })
  }

  async function settle(browser: string, open: OpenSession): Promise<readonly IssuedTicket[]> {
    const live = await store.findToEnd('browser', browser)
    const others = new Set(await findEarlierUsers(browser, open))
    // This one stays, also where the clock of another process has noted a later use.
    const earlier = live.map(({ id }) => id).filter(id => id !== open.recordId)
    const tooMany = new Set(earlier.slice(rules.perBrowser - 1))
    for (const id of others) tooMany.delete(id)
    for (const [over, reason] of [
      [others, 'other_user'],
      [tooMany, 'too_many'],
    ] as const) {
      over.delete(open.recordId)
      const { failure } = await store.endAll(
        over,
        reason,
        reason === 'other_user' ? open.session.ehr : undefined,
      )
      if (failure) throw failure
    }

    const isOver = (id: string) => others.has(id) || tooMany.has(id)
    const alive = new Set(live.map(({ id }) => id).filter(id => !isOver(id)))
    alive.add(open.recordId)
    const droppable: IssuedTicket[] = []
    for (const note of await store.find('issued', browser)) {
      const ticket = await readNote(note.id, browser)
      if (ticket && alive.has(store.recordId(ticket.id))) continue
      await vault.remove(note.id)
      if (ticket) droppable.push(ticket)
    }
    return droppable
  }

  async function findEarlierUsers(browser: string, { session }: OpenSession): Promise<string[]> {
    const { identity } = session.tokens
    if (rules.onUserChange === 'keep' || !identity) return []
    const here = await store.find('browser-ehr', browser, session.ehr)
    const same = await store.find('sub', session.ehr, identity.iss, identity.sub)
    const own = new Set(same.map(({ id }) => id))
    return here.map(({ id }) => id).filter(id => !own.has(id))
  }

  async function readNote(recordId: string, browser: string): Promise<IssuedTicket | undefined> {
    const record = await vault.read(recordId)
    const plain = record && sealer.open(noteAddress(recordId, browser), record)
    return plain && (JSON.parse(Buffer.from(plain).toString('utf8')) as IssuedTicket)
  }

  function noteId(sessionId: string): string {
    return sealer.recordId(`issued ${sessionId}`)
  }

  function noteAddress(recordId: string, browser: string) {
    return { recordId, ehr: '', generation: 1, secret: browser }
  }
}
