// The launch context, the FHIR base and the renewals of each grant, kept beside the grants themselves.

import { buildContextMembers, type LaunchContext } from './launch-context.ts'
import type { Storage } from './storage.ts'

export interface GrantContexts {
  set(grantId: string, context: LaunchContext, base: string): void
  /** Members for the token answer; none for an unknown grant. */
  members(grantId: string): Record<string, unknown>
  /** The FHIR base that a grant is for. */
  base(grantId: string): string | undefined
  /** Counts one more renewal; how many there were. */
  countRenewal(grantId: string): number
}

const DAYS_30 = 30 * 86_400

/** Contexts in the given storage; they live as long as grants do. */
export function createGrantContexts(storage: Storage): GrantContexts {
  const kind = 'GrantContext'
  const find = (grantId: string) => storage.records(kind).get(grantId)
  return {
    set(grantId, context, base) {
      const exp = Math.floor(Date.now() / 1000) + DAYS_30
      void storage.adapter(kind).upsert(grantId, { exp, context, base, renewals: 0 })
    },
    members: grantId => buildContextMembers((find(grantId)?.context ?? {}) as LaunchContext),
    base: grantId => find(grantId)?.base as string | undefined,
    countRenewal(grantId) {
      const record = find(grantId)
      if (record === undefined) return 1
      record.renewals = Number(record.renewals) + 1
      return record.renewals as number
    },
  }
}
