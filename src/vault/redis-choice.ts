// Which Redis or Valkey holds the vault, as an operator chooses it.

export interface RedisVaultChoice {
  /** User, password, database and `rediss:` count for every node; the host is the first one. */
  url: string
  /** PEM of a private CA for `rediss:`. */
  ca?: string
  /** Further nodes of a cluster. */
  cluster?: readonly string[]
  /** Sentinels to ask for the server, instead of the host in `url`. */
  sentinel?: { name: string; nodes: readonly string[] }
  /** Replicas that must have a new session or new tokens before they count as stored. */
  waitReplicas?: number
}
