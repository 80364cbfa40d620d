// What an audit event tells of a search: the patient that it names, and its parameters by name with
// keyed hashes in place of their values, or nothing of them. Pure: no I/O, no clock.

import { hash } from 'node:crypto'

/** How parameters are told: hashed under a key of so many bytes, or not at all. */
export type ParameterRule = { hashKey: Uint8Array } | 'drop'

/** What a search is about. */
export interface SearchFacts {
  /** Its parameters as they are told; empty where there is nothing to tell. */
  told: string
  /** Id of the only patient that it names. `several` where it names more, or in other words than an id. */
  patient?: string | 'several'
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/
const PATIENT = /^(?:\S*\/)?Patient\/([A-Za-z0-9.-]{1,64})$/
const ID = /^[A-Za-z0-9.-]{1,64}$/
/** Above these the whole text has one hash: who sends thousands of parameters is not to cost as many. */
const MAX_PARAMETERS = 32
const MAX_LENGTH = 8 * 1024
const HASH_LENGTH = 16
const NOTHING: SearchFacts = { told: '' }

/** Makes the reader of searches; of the same value it always tells the same hash, as long as the key is. */
export function createSearchReader(rule: ParameterRule) {
  const key = rule === 'drop' ? '' : Buffer.from(rule.hashKey).toString('base64')

  return read

  /** Reads a query or a form, as it was judged; `type` is the one that is searched. */
  function read(text: string, type: string | undefined): SearchFacts {
    if (text === '') return NOTHING
    if (text.length > MAX_LENGTH) {
      return { told: rule === 'drop' ? '' : `?=${digest(text)}`, patient: 'several' }
    }
    const pairs = text.split('&')
    const isCrowded = pairs.length > MAX_PARAMETERS
    let told = rule === 'drop' || !isCrowded ? '' : `?=${digest(text)}`
    let patient: SearchFacts['patient']
    for (const pair of pairs) {
      const mark = pair.indexOf('=')
      const name = mark === -1 ? pair : pair.slice(0, mark)
      const value = mark === -1 ? '' : pair.slice(mark + 1)
      const named = findPatient(decode(name), decode(value), type)
      if (named !== undefined)
        patient = patient === undefined || patient === named ? named : 'several'
      if (rule === 'drop' || isCrowded) continue
      told += `${told === '' ? '?' : '&'}${NAME.test(name) ? name : digest(name)}=${digest(value)}`
    }
    return { told, patient }
  }

  // The key comes first, and what is told is less than a hash: nobody goes on from it to a longer text.
  function digest(text: string): string {
    return hash('sha256', `${key}${decode(text)}`, 'base64url').slice(0, HASH_LENGTH)
  }
}

function findPatient(name: string, value: string, type: string | undefined) {
  const mark = name.search(/[.:]/)
  const parameter = mark === -1 ? name : name.slice(0, mark)
  if (parameter === '_id' && type === 'Patient') return ID.test(value) ? value : 'several'
  if (parameter !== 'patient' && parameter !== 'subject') return undefined
  const reference = PATIENT.exec(value)?.[1]
  if (reference !== undefined) return reference
  // `subject` may be somebody else; `patient.name` and the like name nobody by an id.
  const isPlain = mark === -1 || name === `${parameter}:Patient`
  if (parameter === 'subject' && name !== 'subject:Patient') return undefined
  return isPlain && ID.test(value) ? value : 'several'
}

/** As a server reads it: the same value in two spellings is the same value. */
function decode(text: string): string {
  if (!/[%+]/.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
