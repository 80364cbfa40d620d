// The sealed session store as the rest of the product sees it. Implementations hold sealed bytes and
// keyed hashes only; they never see a token, a patient or a user. Records past `expiresAt` are as if
// they were not there. Failures of the store itself are BrokerError `vault_unavailable`.

/** SHA-256 of a ticket id, base64url. */
export type RecordId = string

/** What may be known of a record without opening it. */
export interface Head {
  /** Moves only when the sealed value is replaced; a touch leaves it. */
  generation: number
  lastUsedAt: number
  /** When the record dies unless touched: the nearer of idle and absolute limit. */
  expiresAt: number
}

export interface VaultRecord extends Head {
  /** Of the server key that sealed the value. */
  keyId: string
  value: Uint8Array
}

export interface NewRecord {
  keyId: string
  value: Uint8Array
  lastUsedAt: number
  expiresAt: number
  /** When the record dies in any case: no touch and no replacement keeps it longer. */
  endsAt: number
  /** Keyed hashes (base64url) under which the record is found: browser, sid, sub, EHR. */
  indexes: readonly string[]
}

/** A mark of each key of the ring by its id; tells nothing of the key. */
export type KeyMarks = ReadonlyMap<string, string>

export interface VaultSize {
  bytes: number
  /** Beyond which nothing new is taken, where there is such a bound. */
  maxBytes?: number
}

export interface Vault {
  /** The time of day by which all limits here are judged: one clock for all who share the store. */
  now(): number
  /** Stores a new record as generation 1, durable when this resolves. Refuses an id in use. */
  insert(id: RecordId, record: NewRecord): Promise<void>
  /**
   * Coherent with every other process as far as the store allows (SQLite: by the turn of the event
   * loop), and cheap enough for each request.
   */
  head(id: RecordId): Head | undefined | Promise<Head | undefined>
  read(id: RecordId): Promise<VaultRecord | undefined>
  /** Replaces the value when the generation is still the given one; durable. False: gone or moved on. */
  replace(
    id: RecordId,
    generation: number,
    next: { keyId: string; value: Uint8Array; expiresAt: number },
  ): Promise<boolean>
  /** Notes the use of a record. False when it is gone. */
  touch(id: RecordId, lastUsedAt: number, expiresAt: number): Promise<boolean>
  /**
   * Deletes a record with its indexes, or only that generation of it. False when there was none. When
   * this resolves no process gives its head any more; `onRemoved` is called before the others have said
   * so, as soon as the deletion is durable.
   */
  remove(id: RecordId, generation?: number, onRemoved?: () => void): Promise<boolean>
  /** True when the record is gone, and no process gives its head any more; false while it lives. */
  isGone(id: RecordId): Promise<boolean>
  /**
   * Live records under one keyed hash, in any order. With `settled`, as whoever is about to end them
   * asks, none that is gone from under it is given by any process when this resolves.
   */
  find(index: string, how?: { settled?: boolean }): Promise<readonly ({ id: RecordId } & Head)[]>
  /** The keyed hashes of a live record as it was inserted, in their order; undefined when it is gone. */
  entries(id: RecordId): Promise<readonly string[] | undefined>
  /** True for exactly one caller per key until `expiresAt`, across processes and restarts. */
  take(key: string, expiresAt: number): Promise<boolean>
  /** True from the moment that somebody has taken the key until it is free again. */
  isTaken(key: string): Promise<boolean>
  /** Keeps a sealed text (a pending launch in opaque state) until it is drawn or expires. */
  deposit(key: string, value: string, expiresAt: number): Promise<void>
  /** Takes a deposit out: one caller gets it, later ones undefined. */
  withdraw(key: string): Promise<string | undefined>
  /**
   * Grants the lease on a record for so many milliseconds unless another owner holds it; renews one's
   * own. The store's own clock counts them, the same for every owner: no caller's clock has a say. All
   * owners ask for the same time.
   */
  lease(id: RecordId, owner: string, forMs: number): Promise<boolean>
  release(id: RecordId, owner: string): Promise<void>
  /** Deletes expired records, deposits and taken keys, a bounded batch at a time; returns how many. */
  sweep(): Promise<number>
  /**
   * Proves by their marks that what lies here was sealed under keys of this ring, and notes the ring.
   * Refuses with VaultRefusal, changing nothing (attacks V10).
   */
  verifyKeys(marks: KeyMarks): Promise<void>
  /** How much the store holds, in bytes; that of other programs too where it shares the store with them. */
  size(): Promise<VaultSize>
  /** Resolves when the store answers. */
  ping(): Promise<void>
  close(): Promise<void>
}
