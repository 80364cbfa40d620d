// What the entries of a batch or transaction ask for: the EHR would resolve their URLs, so none may
// name another server, climb, or be anything but a path below the FHIR base (SMART App Launch
// scopes; attacks P12; requirements AL-53, SC-22). Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import { strengthen } from './entity-tags.ts'
import { measureOwnAddress, type Restoration } from './own-address.ts'
import { restoreQuery } from './restore-query.ts'
import { isRelativePath } from './target.ts'

/** Where in a Bundle a value stands. */
export type BundlePlace = 'elsewhere' | 'entry' | 'request' | EntryPlace

/** What of an entry's request is judged: its URL, a search that must find nothing, entity tags. */
export type EntryPlace = 'url' | 'condition' | 'tags'

const ENTRY = /^entry$/iu
const REQUEST = /^request$/iu
const URL_NAME = /^url$/iu
const CONDITION = /^ifNoneExist$/iu
const TAGS = /^if(?:None)?Match$/iu

/**
 * The place of a member or element that stands in another one. By names alone, in any case and at any
 * depth: readers differ in what they take for a Bundle, and an entry may itself post a batch.
 */
export function enter(place: BundlePlace, name: string): BundlePlace {
  if (place === 'request') {
    if (URL_NAME.test(name)) return 'url'
    if (CONDITION.test(name)) return 'condition'
    if (TAGS.test(name)) return 'tags'
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

/** Whether what stands there is judged. */
export function isEntryPlace(place: BundlePlace | undefined): place is EntryPlace {
  return place === 'url' || place === 'condition' || place === 'tags'
}

/** The URL, a condition or the tags of an entry as the EHR is to get them. */
export function restoreEntry(place: EntryPlace, text: string, whose: Restoration): string {
  const length = place === 'condition' ? 0 : measureOwnAddress(text, whose)
  const restored = length === 0 ? text : whose.base + text.slice(length)
  if (place === 'tags') return whose.tags?.areStrongInBatches() ? strengthen(restored) : restored
  const mark = place === 'url' ? restored.indexOf('?') + 1 : 0
  if (place === 'url' && mark === 0) return restored
  const query = Buffer.from(restored.slice(mark)).toString('latin1')
  const sent = restoreQuery(query, whose)
  return sent === query ? restored : restored.slice(0, mark) + fromLatin1(sent)
}

function fromLatin1(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}
