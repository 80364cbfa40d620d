// Whoever watches sessions hears of their ends and renewals: at once what happens in this process, and
// within a moment what another one does, by the heads of what is watched. Keeps no session alive. The
// vault and the store are passed in; `look` is to be called a few times a second.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Head, Vault } from '../vault/vault.ts'
import { type EndReason, findReason, type SessionChange } from './changes.ts'
import type { OpenSession } from './session.ts'
import type { SessionStore } from './store.ts'

export type WatchedEvent =
  | { type: 'ended'; id: string; reason: EndReason | 'expired' | 'unknown' }
  | { type: 'expiring'; id: string }
  | { type: 'renewed'; open: OpenSession }

export interface Watcher {
  sessions: readonly OpenSession[]
  hear(event: WatchedEvent): void
}

export interface Watching {
  /** Begins to watch; the returned function ends it. */
  add(watcher: Watcher): () => void
  /** Finds what has happened elsewhere. Rejects as the vault does; what is watched stays watched. */
  look(): Promise<void>
  readonly size: number
}

export interface WatchingOptions {
  vault: Pick<Vault, 'head' | 'now' | 'take' | 'isTaken'>
  store: Pick<SessionStore, 'open' | 'changes'>
  /** Milliseconds before its end from which a session is expiring. */
  warnMs: number
}

interface Entry {
  open: OpenSession
  watchers: Watcher[]
  /** The end that was warned of. */
  warnedOf: number
}

/** Looked at in one turn of the event loop. */
const SLICE = 250

/** Nobody watches yet. */
export function createWatching({ vault, store, warnMs }: WatchingOptions): Watching {
  const entries = new Map<string, Entry>()
  let watchers = 0
  store.changes.watch(hear)

  return {
    add,
    look,
    get size() {
      return watchers
    },
  }

  function add(watcher: Watcher): () => void {
    watchers++
    for (const open of watcher.sessions) {
      const entry = entries.get(open.recordId) ?? { open, watchers: [], warnedOf: 0 }
      entry.watchers.push(watcher)
      entries.set(open.recordId, entry)
    }
    return () => {
      watchers--
      for (const { recordId } of watcher.sessions) {
        const entry = entries.get(recordId)
        if (entry === undefined) continue
        entry.watchers = entry.watchers.filter(one => one !== watcher)
        if (entry.watchers.length === 0) entries.delete(recordId)
      }
    }
  }

  function hear(change: SessionChange): void {
    if (change.type === 'renewed') tellRenewed(change.open)
    else {
      const entry = entries.get(change.recordId)
      if (entry) tellEnded(entry, change.reason ?? 'unknown')
    }
  }

  async function look(): Promise<void> {
    let underWay: Promise<void>[] = []
    for (const [i, entry] of [...entries.values()].entries()) {
      // Heads that are kept are judged at once; those that the store is asked for, together.
      const head = vault.head(entry.open.recordId)
      const judged =
        head instanceof Promise ? head.then(it => judge(entry, it)) : judge(entry, head)
      if (judged) underWay.push(judged)
      if ((i + 1) % SLICE !== 0) continue
      await Promise.all(underWay)
      underWay = []
      await nextTurn()
    }
    await Promise.all(underWay)
  }

  function judge(entry: Entry, head: Head | undefined): Promise<void> | undefined {
    if (head === undefined) return findEnd(entry)
    if (head.generation > entry.open.generation) return findRenewed(entry)
    // A head that was asked for before a renewal was heard of takes nothing of it back.
    if (head.generation < entry.open.generation) return undefined
    entry.open = { ...entry.open, ...head }
    warn(entry)
    return undefined
  }

  async function findEnd(entry: Entry): Promise<void> {
    const isOver = vault.now() >= entry.open.expiresAt
    const reason = await findReason(vault, entry.open.recordId)
    tellEnded(entry, reason ?? (isOver ? 'expired' : 'unknown'))
  }

  async function findRenewed({ open: { ticket } }: Entry): Promise<void> {
    const reopen = async () => await store.open(ticket, { slide: false })
    const open = await reopen().catch(() => undefined)
    if (open) tellRenewed(open)
  }

  function warn(entry: Entry): void {
    const { session, expiresAt } = entry.open
    if (expiresAt - vault.now() > warnMs || entry.warnedOf === expiresAt) return
    entry.warnedOf = expiresAt
    tell(entry, { type: 'expiring', id: session.id })
  }

  function tellRenewed(open: OpenSession): void {
    const entry = entries.get(open.recordId)
    if (entry === undefined || entry.open.generation >= open.generation) return
    entry.open = open
    tell(entry, { type: 'renewed', open })
  }

  function tellEnded(entry: Entry, reason: EndReason | 'expired' | 'unknown'): void {
    const { recordId, session } = entry.open
    if (entries.get(recordId) !== entry) return
    entries.delete(recordId)
    tell(entry, { type: 'ended', id: session.id, reason })
  }

  function tell({ watchers }: Entry, event: WatchedEvent): void {
    for (const watcher of watchers) watcher.hear(event)
  }
}
