// Who signs in, for which patient, and whether without pages: told by the EHR launch, else by the query
// (of the authorization request or of the page), else by what `/auto` left in the browser for the next
// login, else by the user's session. Pure.

import { type Account, findAccount } from './accounts.ts'
import type { Launch } from './launches.ts'

export interface Choice {
  account?: Account
  patient?: string
  encounter?: string
  auto?: 'grant' | 'deny'
}

/** Query parameters that make a choice; they may be put onto the authorization request. */
export const choiceParameters = ['user', 'patient', 'encounter', 'auto'] as const

export interface ChoiceSources {
  launch?: Launch
  query: URLSearchParams
  /** What the cookie of `/auto` holds. */
  prepared: URLSearchParams
  /** Of the user's session. */
  sessionAccount?: string
}

/** Puts the sources together; an empty `user` in the query asks for somebody else. */
export function resolveChoice({ launch, query, prepared, sessionAccount }: ChoiceSources): Choice {
  const given = (name: string) => query.get(name) ?? prepared.get(name) ?? undefined
  const auto = parseAuto(given('auto')) ?? launch?.auto
  const account = findAccount(
    launch?.user ?? given('user') ?? sessionAccount ?? (auto && 'practitioner'),
  )
  const own = account?.patients?.length === 1 ? account.patients[0] : undefined
  return {
    account,
    patient: launch?.patient ?? given('patient') ?? own,
    encounter: launch?.encounter ?? given('encounter'),
    auto,
  }
}

/** `1` grants at once, `deny` denies at once; anything else asks. */
export function parseAuto(value: string | undefined): Choice['auto'] {
  if (value === '1' || value === 'grant') return 'grant'
  return value === 'deny' ? 'deny' : undefined
}
