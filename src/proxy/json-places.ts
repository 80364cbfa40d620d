// What the `url` of the object that is open in a JSON text is: a link or a name. Reads the structure alone,
// as its pieces come, leniently and in flat memory. Pure: no I/O, no clock. RFC 8259.

import { placeInMember, placeInType, type UrlPlace } from './url-places.ts'

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
      while (at < to) at = isInString ? passString(text, at, to) : passStructure(text, at, to)
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

  function passStructure(text: string, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        isInString = true
        begun = ''
        start = at + 1
        return at + 1
      }
      if (code === COLON) isValue = true
      else if (code === COMMA) isValue = false
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) open(text, code === OPEN_BRACKET)
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) close()
    }
    return to
  }

  function endString(text: string, at: number): void {
    isInString = false
    if (isArray) return
    if (!isValue) {
      nameFrom = start
      nameTo = at
      name = begun === '' ? undefined : begun + text.slice(start, Math.min(at, start + LONGEST))
    } else if (place === 'unknown' && nameOf(text) === TYPE_NAME) {
      const type = begun + text.slice(start, Math.min(at, start + LONGEST))
      if (TYPE.test(type)) place = placeInType(type)
    }
    begun = ''
    isValue = false
  }

  function nameOf(text: string): string {
    name ??= nameTo - nameFrom > LONGEST ? '' : text.slice(nameFrom, nameTo)
    return name
  }

  function open(text: string, opensArray: boolean): void {
    if (depth < DEEPEST) outer[depth] = { place, isArray }
    depth++
    if (!isArray) place = isValue ? placeInMember(nameOf(text)) : 'link'
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
