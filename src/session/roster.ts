// The live sessions as operators see and choose them: by EHR, user, patient or record, with hashes,
// pseudonyms and times, none of them opened. The vault and the store are passed in; refuses with
// `bad_request` what chooses nothing, or two things at once, and with `unknown_ehr`.

import { runInBatches } from '../batches.ts'
import { BrokerError } from '../errors.ts'
import type { Vault } from '../vault/vault.ts'
import { findUserEntry } from './indexes.ts'
import { nameOfEntry } from './pseudonyms.ts'
import type { SessionStore } from './store.ts'

/** What an operator has asked for. */
export type Choice = Partial<
  Record<'all' | 'ehr' | 'iss' | 'sub' | 'patient' | 'user' | 'record', string>
>

/** A session; times in milliseconds since the epoch. */
export interface Listed {
  ehr: string
  record: string
  lastUsedAt: number
  expiresAt: number
}

export interface Roster {
  /** The sessions that are meant, the latest used of each EHR first; all of them where nothing is chosen. */
  find(choice: Choice): Promise<Listed[]>
  /** The same for who is about to end them, as the store does it. */
  findToEnd(choice: Choice): Promise<Listed[]>
  /** The same with the pseudonyms of their users, where the EHR has said who they are. */
  name(found: readonly Listed[]): Promise<(Listed & { user?: string })[]>
}

/** The names of a query, in all combinations that mean something. */
const COMBINATIONS = [
  ...['', 'all', 'ehr', 'record', 'user', 'ehr record', 'ehr user', 'ehr patient', 'ehr iss sub'],
].map(words => words.split(' ').filter(Boolean))

/** A record by its pseudonym in the log or the whole of its hash, a user by the pseudonym. */
const SPELLINGS: Readonly<Record<string, RegExp>> = {
  all: /^true$/,
  record: /^[\w-]{12,43}$/,
  user: /^[\w-]{12}$/,
}
const BATCH = 200

/** Reads a query; an unknown name is refused, so that a slip of the pen never widens the choice. */
export function parseChoice(query: Readonly<Record<string, unknown>>): Choice {
  const names = Object.keys(query)
  const isKnown = COMBINATIONS.some(
    combination => combination.length === names.length && combination.every(one => one in query),
  )
  const isSound = (name: string) => {
    const value = query[name]
    return typeof value === 'string' && value !== '' && (SPELLINGS[name]?.test(value) ?? true)
  }
  if (!isKnown) {
    const detail = `sessions are chosen by one of: ${COMBINATIONS.filter(one => one.length > 0)
      .map(one => one.join('&'))
      .join(', ')}`
    throw new BrokerError('bad_request', { detail })
  }
  const malformed = names.find(name => !isSound(name))
  if (malformed) throw new BrokerError('bad_request', { detail: `malformed: ${malformed}` })
  return query
}

/** The sessions of these EHRs. */
export function createRoster(
  ehrs: readonly { id: string }[],
  store: Pick<SessionStore, 'find' | 'findToEnd'>,
  vault: Pick<Vault, 'entries'>,
): Roster {
  return {
    find: choice => findBy(store.find, choice),
    findToEnd: choice => findBy(store.findToEnd, choice),
    name,
  }

  async function findBy(look: SessionStore['find'], choice: Choice): Promise<Listed[]> {
    const { ehr, iss, sub, patient, user, record } = choice
    if (ehr !== undefined && iss !== undefined && sub !== undefined) {
      return await list(look, requireEhr(ehr), 'sub', iss, sub)
    }
    if (ehr !== undefined && patient !== undefined) {
      return await list(look, requireEhr(ehr), 'patient', patient)
    }
    const asked = ehr === undefined ? ehrs : [requireEhr(ehr)]
    const found = (await Promise.all(asked.map(one => list(look, one, 'ehr')))).flat()
    if (record !== undefined) return found.filter(one => one.record.startsWith(record))
    if (user === undefined) return found
    return (await name(found)).filter(one => one.user === user)
  }

  async function list(
    look: SessionStore['find'],
    { id: ehr }: { id: string },
    kind: 'ehr' | 'sub' | 'patient',
    ...values: string[]
  ): Promise<Listed[]> {
    const heads = await look(kind, ehr, ...values)
    return heads.map(({ id, lastUsedAt, expiresAt }) => ({
      ...{ ehr, record: id, lastUsedAt, expiresAt },
    }))
  }

  async function name(found: readonly Listed[]): Promise<(Listed & { user?: string })[]> {
    return await runInBatches(found, BATCH, async one => ({
      ...one,
      user: nameOfEntry(findUserEntry((await vault.entries(one.record)) ?? [])),
    }))
  }

  function requireEhr(id: string): { id: string } {
    const found = ehrs.find(ehr => ehr.id === id)
    if (!found) throw new BrokerError('unknown_ehr')
    return found
  }
}
