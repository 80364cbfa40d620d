// Where oidc-provider keeps its sessions, grants and tokens: one map for each sandbox, so that two
// sandboxes in one process share nothing. The interface is the library's adapter.

export interface Payload {
  exp?: number
  uid?: string
  grantId?: string
  accountId?: string
  consumed?: number
  [member: string]: unknown
}

export interface Adapter {
  upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>
  find(id: string): Promise<Payload | undefined>
  findByUid(uid: string): Promise<Payload | undefined>
  findByUserCode(): Promise<undefined>
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  revokeByGrantId(grantId: string): Promise<void>
}

export interface Storage {
  /** The adapter of one kind of record, as oidc-provider asks for it. */
  adapter(kind: string): Adapter
  /** The live records of a kind, by id. */
  records(kind: string): ReadonlyMap<string, Payload>
  /** Drops every record of a kind. */
  clear(kind: string): void
}

/** An empty storage; records past their time are dropped at each write. */
export function createStorage(): Storage {
  const kinds = new Map<string, Map<string, Payload>>()
  const recordsOf = (kind: string) => {
    const records = kinds.get(kind) ?? new Map<string, Payload>()
    kinds.set(kind, records)
    return records
  }
  return {
    records: recordsOf,
    clear: kind => recordsOf(kind).clear(),
    adapter: kind => createAdapter(recordsOf(kind)),
  }
}

function createAdapter(records: Map<string, Payload>): Adapter {
  return {
    async upsert(id, payload) {
      sweep(records)
      records.set(id, payload)
    },
    find: async id => records.get(id),
    findByUid: async uid => [...records.values()].find(payload => payload.uid === uid),
    findByUserCode: async () => undefined,
    async consume(id) {
      const payload = records.get(id)
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
    },
    async destroy(id) {
      records.delete(id)
    },
    async revokeByGrantId(grantId) {
      for (const [id, payload] of records) if (payload.grantId === grantId) records.delete(id)
    },
  }
}

/** The oldest records first, as a map keeps them, until one is alive. */
function sweep(records: Map<string, Payload>): void {
  const now = Date.now() / 1000
  for (const [id, { exp }] of records) {
    if (exp === undefined || exp > now) return
    records.delete(id)
  }
}
