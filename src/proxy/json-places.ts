// What the `url` of the object that is open in a JSON text is: a link or a name. Reads the structure alone,
// as its pieces come, leniently and in flat memory. Pure: no I/O, no clock. RFC 8259.

import { placedNames, placeInMember, placeInType, type UrlPlace } from './url-places.ts'

export interface JsonPlaces {
  /** Of the innermost object or array. */
  readonly place: UrlPlace
  /** Reads on: the text between two offsets, right behind what was read before. */
  read(text: string, from: number, to: number): void
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const TYPE_NAME = 'resourceType'
const TYPE = /^[A-Z][A-Za-z]{0,63}$/
const lengths: ReadonlySet<number> = new Set(placedNames.map(name => name.length))
/** How much is kept of a name or value that is cut by the border of two pieces. */
const LONGEST = 65
/** Deeper containers are counted alone. */
const DEEPEST = 256

export function createJsonPlaces(): JsonPlaces {
  const outer: { place: UrlPlace; isArray: boolean }[] = []
  let depth = 0
  let place: UrlPlace = 'unknown'
  let isArray = true
  let isValue = false
  let isInString = false
  let isEscaped = false
  /** Of the last string that was no value: where it stands in the text that is read, or what it was. */
  let nameFrom = 0
  let nameTo = 0
  let name: string | undefined = ''
  /** Where the open string begins, and what of it came in earlier pieces. */
  let start = 0
  let begun = ''

  return {
    get place() {
      return place
    },
    read(text, from, to) {
      start = from
      let at = from
      if (isInString) at = passString(text, at, to)
      while (at < to) {
        const code = text.charCodeAt(at++)
        if (code === QUOTE) {
          isInString = true
          start = at
          at = passString(text, at, to)
        } else if (code === COLON) isValue = true
        else if (code === COMMA) isValue = false
        else if (code === OPEN_BRACE || code === OPEN_BRACKET) open(text, code === OPEN_BRACKET)
        else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) close()
      }
      if (isInString) begun += text.slice(start, Math.min(to, start + LONGEST - begun.length))
      name ??= nameOf(text)
    },
  }

  function passString(text: string, from: number, to: number): number {
    let at = from
    if (isEscaped) {
      isEscaped = false
      at++
    }
    for (; at < to; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        endString(text, at)
        return at + 1
      }
      if (code === BACKSLASH) at++
    }
    isEscaped = at > to
    return to
  }

  function endString(text: string, at: number): void {
    isInString = false
    if (!isArray) {
      if (!isValue) {
        nameFrom = start
        nameTo = at
        name = begun === '' ? undefined : begun + text.slice(start, Math.min(at, start + LONGEST))
      } else if (place === 'unknown') readType(text, at)
    }
    if (begun !== '') begun = ''
    isValue = false
  }

  function readType(text: string, at: number): void {
    if (nameOf(text) !== TYPE_NAME) return
    const type = begun + text.slice(start, Math.min(at, start + LONGEST))
    if (TYPE.test(type)) place = placeInType(type)
  }

  function nameOf(text: string): string {
    name ??= nameTo - nameFrom > LONGEST ? '' : text.slice(nameFrom, nameTo)
    return name
  }

  /** The name, if it is one of those that mean something. */
  function memberOf(text: string): string {
    if (name !== undefined) return name
    const first = text.charCodeAt(nameFrom)
    const isType = first >= 0x41 && first <= 0x5a
    return isType || lengths.has(nameTo - nameFrom) ? nameOf(text) : ''
  }

  function open(text: string, opensArray: boolean): void {
    if (depth < DEEPEST) outer[depth] = { place, isArray }
    depth++
    if (!isArray) place = isValue ? placeInMember(memberOf(text)) : 'link'
    if (depth > DEEPEST) place = 'nothing'
    isArray = opensArray
    isValue = false
  }

  function close(): void {
    if (depth > 0) depth--
    const before = depth < DEEPEST ? outer[depth] : undefined
    place = depth === 0 ? 'unknown' : (before?.place ?? 'nothing')
    isArray = depth === 0 || (before?.isArray ?? false)
    isValue = false
  }
}
