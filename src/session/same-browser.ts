// One browser's sessions taken together. At the callback the browser sends no Strict ticket, so the
// vault is asked by the browser cookie: what is over the limit or belongs to an earlier user ends, and
// the cookies of all that is over are named so that they can be cleared.

import { runInBatches } from '../batches.ts'
import { BrokerError } from '../errors.ts'
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
  /**
   * The same after a login, with its rules applied; returns the sessions whose cookies the browser can drop.
   * Refuses with `session_expired` a login that the EHR has ended meanwhile.
   */
  settle(browser: string, open: OpenSession): Promise<readonly IssuedTicket[]>
}

export interface IssuedTicket {
  /** Session id. */
  id: string
  ehr: string
}

/** Notes at a time. */
const READ_AT_ONCE = 200
/** In a file each is a durable write of its own. */
const REMOVED_AT_ONCE = 8
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

  // The notes are read before the sessions, and the browser's before the user's: whoever logs in at the
  // same time with the same browser writes them in the other order, so that nothing just begun is taken
  // for over or for another user's.
  async function settle(browser: string, open: OpenSession): Promise<readonly IssuedTicket[]> {
    // Its record can be found by now: whoever ends the login has found it, or has noted before that it is over.
    if (await store.isLoginOver(open.session)) {
      throw new BrokerError('session_expired', { ehr: open.session.ehr })
    }
    // Nothing ends before the new cookie is noted.
    const [notes, here] = await Promise.all([
      store.find('issued', browser),
      findSameEhr(browser, open),
      noteTicket(browser, open),
    ])
    const [tickets, live, own] = await Promise.all([
      runInBatches(notes, READ_AT_ONCE, async ({ id }) => await readNote(id, browser)),
      store.findToEnd('browser', browser),
      findSameUser(here, open),
    ])
    const others = new Set(here.filter(id => id !== open.recordId && !own.has(id)))
    // This one stays, also where the clock of another process has noted a later use; and whoever is to
    // end takes nobody's place.
    const earlier = live.map(({ id }) => id).filter(id => id !== open.recordId && !others.has(id))
    const tooMany = earlier.slice(rules.perBrowser - 1)
    for (const { failure } of await Promise.all([
      store.endAll(others, 'other_user', open.session.ehr),
      store.endAll(tooMany, 'too_many'),
    ])) {
      if (failure) throw failure
    }

    const alive = new Set([open.recordId, ...earlier.slice(0, rules.perBrowser - 1)])
    const over = notes.flatMap(({ id }, i) => {
      const ticket = tickets[i]
      return ticket && alive.has(store.recordId(ticket.id)) ? [] : [{ id, ticket }]
    })
    await runInBatches(over, REMOVED_AT_ONCE, async ({ id }) => await vault.remove(id))
    return over.flatMap(({ ticket }) => ticket ?? [])
  }

  async function findSameEhr(browser: string, { session }: OpenSession): Promise<string[]> {
    if (rules.onUserChange === 'keep' || !session.tokens.identity) return []
    return (await store.find('browser-ehr', browser, session.ehr)).map(({ id }) => id)
  }

  /** Those of this user, wherever they are, where there is another session to tell from them. */
  async function findSameUser(here: readonly string[], { session, recordId }: OpenSession) {
    const { identity } = session.tokens
    if (!identity || here.every(id => id === recordId)) return new Set<string>()
    const same = await store.find('sub', session.ehr, identity.iss, identity.sub)
    return new Set(same.map(({ id }) => id))
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
