// Sessions in the vault: made, opened with their ticket, renewed, ended. Opened sessions are kept in
// the process, bounded, and used only while the vault still has the generation they were opened at.
// Clock, randomness and sealing are passed in; refuses with `session_invalid`, the same for every cause.

import { BrokerError } from '../errors.ts'
import { defaultMemoryLimits } from '../limits.ts'
import type { TokenSet } from '../smart/types.ts'
import type { Head, Vault } from '../vault/vault.ts'
import { type Changes, createChanges, type EndReason } from './changes.ts'
import { createEndings, type Ending } from './endings.ts'
import { buildIndexes, createSessionFinder, type SessionFinder } from './indexes.ts'
import { createOpenedSessions, weighSession } from './opened.ts'
import type { RecordSealer } from './sealer.ts'
import type { OpenSession, Session, Ticket } from './session.ts'

export interface StoreOptions {
  vault: Vault
  sealer: RecordSealer
  now: () => number
  randomBytes: (size: number) => Uint8Array
  idleMs: number
  absoluteMs: number
  /** Waits before an ending that the vault would not take is tried again. */
  wait?: (milliseconds: number) => Promise<void>
  /** Memory for sessions that are kept open in the process; 96 MiB unless told. */
  openedBytes?: number
  /** Told of records that cannot be opened: tampered with, swapped or rolled back. */
  onUnreadable?: (ehr: string) => void
}

export interface SessionStore extends SessionFinder {
  /** Makes a session durable and gives it its ticket. */
  begin(iss: string, tokens: TokenSet, browser: string, ehr: string): Promise<OpenSession>
  /** The live session of a ticket; `slide` notes its use. Synchronous when cached and not due. */
  open(ticket: Ticket, how: { slide: boolean }): OpenSession | Promise<OpenSession>
  /** Replaces the tokens if the record is still at this generation; undefined when it is not. */
  replace(open: OpenSession, tokens: TokenSet): Promise<OpenSession | undefined>
  /** Reads the record anew, past the cache; undefined when it is gone. */
  reopen(open: OpenSession): Promise<OpenSession | undefined>
  /** The session of a ticket as it was opened here last, for when the vault says nothing. */
  recall(ticket: Ticket): OpenSession | undefined
  /**
   * Ends a session, or only that generation of it; false when it was not there. Where the vault fails
   * this rejects; the session opens here no more all the same, and its ending is tried again.
   */
  end(recordId: string, how?: Ending): Promise<boolean>
  /** Ends each, whatever becomes of the others; how many were there, and the first failure. */
  endAll(
    recordIds: Iterable<string>,
    reason: EndReason,
    ehr?: string,
  ): Promise<{ ended: number; failure?: unknown }>
  /** What happens to sessions in this process. */
  changes: Pick<Changes, 'watch'>
  recordId(sessionId: string): string
  /** Resolves when all that has ended here has ended in the vault. */
  settled(): Promise<void>
}

const TOUCH_INTERVAL_MS = 60_000

export function createSessionStore(options: StoreOptions): SessionStore {
  const { vault, sealer, now, idleMs, absoluteMs } = options
  const { openedBytes = defaultMemoryLimits.openedBytes } = options
  const touchIntervalMs = Math.min(TOUCH_INTERVAL_MS, idleMs / 10)
  const cache = createOpenedSessions(openedBytes)
  const changes = createChanges()
  const endings = createEndings(options, changes)

  return {
    begin,
    open,
    replace,
    reopen,
    ...createSessionFinder(vault, sealer),
    recordId: sealer.recordId,
    settled: endings.settled,
    recall({ recordId, secret }) {
      const found = cache.get(recordId)?.open
      return found?.ticket.secret === secret ? found : undefined
    },
    changes,
    end(recordId, how) {
      cache.delete(recordId)
      return endings.end(recordId, how)
    },
    endAll(recordIds, reason, ehr) {
      for (const id of recordIds) cache.delete(id)
      return endings.endAll(recordIds, reason, ehr)
    },
  }

  async function begin(
    iss: string,
    tokens: TokenSet,
    browser: string,
    ehr: string,
  ): Promise<OpenSession> {
    const createdAt = now()
    const id = random(16)
    const recordId = sealer.recordId(id)
    const ticket: Ticket = { id, ehr, secret: random(32), recordId }
    const session: Session = {
      id,
      ehr,
      iss,
      createdAt,
      endsAt: createdAt + absoluteMs,
      tokens,
    }
    const plain = print(session)
    const sealed = sealer.seal({ recordId, generation: 1, ehr, secret: ticket.secret }, plain)
    const expiresAt = limit(session, createdAt)
    await vault.insert(recordId, {
      ...sealed,
      lastUsedAt: createdAt,
      expiresAt,
      endsAt: session.endsAt,
      indexes: buildIndexes(session, browser, sealer),
    })
    const head = { generation: 1, lastUsedAt: createdAt, expiresAt }
    const bytes = weighSession(plain)
    return cache.keep({ open: { session, ticket, recordId, ...head }, head, bytes })
  }

  function open(ticket: Ticket, how: { slide: boolean }): OpenSession | Promise<OpenSession> {
    const { recordId } = ticket
    if (endings.isPending(recordId)) throw new BrokerError('session_invalid')
    // What is not open here is read whole: its head alone would be one look-up more.
    if (!cache.has(recordId)) {
      return readAndOpen(ticket).then(found => settle(found, how.slide))
    }
    const head = vault.head(recordId)
    if (!(head instanceof Promise)) return judge(ticket, head, how.slide)
    return head.then(found => judge(ticket, found, how.slide))
  }

  function judge(
    ticket: Ticket,
    head: Head | undefined,
    slide: boolean,
  ): OpenSession | Promise<OpenSession> {
    const { recordId } = ticket
    if (!head) {
      cache.delete(recordId)
      throw new BrokerError('session_invalid')
    }
    const entry = cache.get(recordId)
    const isSame = entry?.head.generation === head.generation
    if (!entry || !isSame || entry.open.ticket.secret !== ticket.secret) {
      return readAndOpen(ticket, entry?.head.generation).then(found => settle(found, slide))
    }
    if (entry.head === head) return settle(entry.open, slide)
    return settle(cache.keep({ ...entry, open: { ...entry.open, ...head }, head }), slide)
  }

  function settle(found: OpenSession, slide: boolean): OpenSession | Promise<OpenSession> {
    const at = now()
    if (found.session.endsAt <= at) {
      cache.delete(found.recordId)
      // Over by what is sealed, whether or not the vault can be written.
      return endings.end(found.recordId, { ehr: found.session.ehr }).then(refuse, refuse)
    }
    if (!slide || at - found.lastUsedAt < touchIntervalMs) return found
    return touch(found, at)
  }

  // Awaited, so that a request never outlives the record it was let through by. A store that can be
  // read and not written (a full disk) keeps its sessions at work until their idle limit.
  async function touch(found: OpenSession, at: number): Promise<OpenSession> {
    const expiresAt = limit(found.session, at)
    try {
      if (await vault.touch(found.recordId, at, expiresAt)) {
        return { ...found, lastUsedAt: at, expiresAt }
      }
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'vault_unavailable') return found
      throw error
    }
    cache.delete(found.recordId)
    throw new BrokerError('session_invalid')
  }

  async function readAndOpen(ticket: Ticket, seen = 0): Promise<OpenSession> {
    const { recordId } = ticket
    const record = await vault.read(recordId)
    if (!record || endings.isPending(recordId)) throw new BrokerError('session_invalid')
    const { generation, lastUsedAt, expiresAt } = record
    // By the record itself: a head may be from before a renewal elsewhere. An older generation than one
    // seen here is an old row put back (attacks V3).
    if (generation < seen) throw unreadable(ticket)
    const address = { recordId, generation, ehr: ticket.ehr, secret: ticket.secret }
    const plain = sealer.open(address, record)
    if (!plain) throw unreadable(ticket)
    const session = JSON.parse(Buffer.from(plain).toString('utf8')) as Session
    if (session.id !== ticket.id || session.ehr !== ticket.ehr) throw unreadable(ticket)
    const head = { generation, lastUsedAt, expiresAt }
    const bytes = weighSession(plain)
    return cache.keep({ open: { session, ticket, recordId, ...head }, head, bytes })
  }

  async function replace(open: OpenSession, tokens: TokenSet): Promise<OpenSession | undefined> {
    const { recordId, ticket } = open
    if (endings.isPending(recordId)) return undefined
    const session = { ...open.session, tokens }
    const generation = open.generation + 1
    const address = { recordId, generation, ehr: ticket.ehr, secret: ticket.secret }
    const sealed = sealer.seal(address, print(session))
    const expiresAt = limit(session, now())
    if (!(await vault.replace(recordId, open.generation, { ...sealed, expiresAt }))) {
      cache.delete(recordId)
      return undefined
    }
    const replaced = { ...open, session, generation, expiresAt }
    changes.tell({ type: 'renewed', open: replaced })
    return replaced
  }

  async function reopen({ ticket }: OpenSession): Promise<OpenSession | undefined> {
    cache.delete(ticket.recordId)
    try {
      return await readAndOpen(ticket)
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'session_invalid') return undefined
      throw error
    }
  }

  function print(session: Session): Buffer {
    return Buffer.from(JSON.stringify(session), 'utf8')
  }

  function limit(session: Session, at: number): number {
    return Math.min(at + idleMs, session.endsAt)
  }

  function random(size: number): string {
    return Buffer.from(options.randomBytes(size)).toString('base64url')
  }

  function unreadable({ ehr }: Ticket): BrokerError {
    options.onUnreadable?.(ehr)
    return new BrokerError('session_invalid', { detail: 'the record cannot be opened', ehr })
  }
}

function refuse(): never {
  throw new BrokerError('session_invalid')
}
