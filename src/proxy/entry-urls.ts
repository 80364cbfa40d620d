// What the entries of a batch or transaction ask for: the EHR would resolve their URLs, so none may
// name another server, climb, or be anything but a path below the FHIR base (SMART App Launch
// scopes; attacks P12; requirements AL-53, SC-22). Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import { measureOwnAddress, type Restoration } from './own-address.ts'
import { restoreQuery } from './restore-query.ts'
import { isRelativePath } from './target.ts'

/** Where in a Bundle a value stands. */
export type Place = 'elsewhere' | 'entry' | 'request' | 'url' | 'condition'

const ENTRY = /^entry$/iu
const REQUEST = /^request$/iu
const URL_NAME = /^url$/iu
const CONDITION = /^ifNoneExist$/iu

/**
 * The place of a member or element that stands in another one. By names alone, in any case and at any
 * depth: readers differ in what they take for a Bundle, and an entry may itself post a batch.
 */
export function enter(place: Place, name: string): Place {
  if (place === 'request') {
    if (URL_NAME.test(name)) return 'url'
    if (CONDITION.test(name)) return 'condition'
  }
  if (place === 'entry' && REQUEST.test(name)) return 'request'
  return ENTRY.test(name) ? 'entry' : 'elsewhere'
}

/** Refuses with `foreign_reference` the URL of an entry that asks for something outside `base`. */
export function verifyEntryUrl(url: string, base: string): void {
  const [path = ''] = url.split('?', 1)
  if (path === base || (path.startsWith(`${base}/`) && isRelativePath(path.slice(base.length)))) {
    return
  }
  if (!isRelativePath(path.startsWith('/') ? path : `/${path}`)) {
    throw new BrokerError('foreign_reference')
  }
}

/** The URL, or the condition, of an entry with the EHR's base in the place of our address. */
export function restoreEntry(place: 'url' | 'condition', text: string, whose: Restoration): string {
  const length = place === 'url' ? measureOwnAddress(text, whose) : 0
  const restored = length === 0 ? text : whose.base + text.slice(length)
  const mark = place === 'url' ? restored.indexOf('?') + 1 : 0
  if (place === 'url' && mark === 0) return restored
  const query = Buffer.from(restored.slice(mark)).toString('latin1')
  const sent = restoreQuery(query, whose)
  return sent === query ? restored : restored.slice(0, mark) + fromLatin1(sent)
}

function fromLatin1(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}
