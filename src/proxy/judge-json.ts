// The judge of JSON and NDJSON bodies: every string that is an address of ours, and what the entries
// of a batch ask for. Pure: no I/O, no clock (attacks P12, P31, P32; requirements SC-22).

import { BrokerError } from '../errors.ts'
import { createEdits } from './edits.ts'
import {
  type BundlePlace,
  enter,
  isEntryPlace,
  restoreEntry,
  verifyEntryUrl,
} from './entry-urls.ts'
import { createJsonReader, LONGEST_TEXT } from './json-reader.ts'
import { decodeJsonText, encodeJsonText } from './json-text.ts'
import type { Judge, JudgeRules } from './judge.ts'
import { measureOwnAddress } from './own-address.ts'
import { measureWritten } from './written.ts'

/** Bytes that an address can begin with, or what readers may strip before one. */
const beginsAddress = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= 0x7f || 'hH%/\\ '.includes(String.fromCharCode(byte))),
)

/** Makes a judge; refuses with `body_invalid` and `foreign_reference`. */
export function createJsonJudge(
  { whose, entriesBelow }: JudgeRules,
  { lines }: { lines: boolean },
): Judge {
  const edits = createEdits()
  let base: string | undefined
  /** Where the values of each open container stand; items of an array where it stands itself. */
  const open: { isObject: boolean; place: BundlePlace }[] = []
  /** Where the value of the last member stands. */
  let member: BundlePlace = 'elsewhere'

  const reader = createJsonReader(
    {
      open: isObject => void open.push({ isObject, place: placeOfValue() }),
      close: () => void open.pop(),
      name: entriesBelow === undefined ? undefined : passName,
      wants(first) {
        return (whose !== undefined && beginsAddress[first] === 1) || isEntryPlace(placeOfValue())
      },
      string: judgeString,
    },
    { lines },
  )
  return { push: reader.push, end: reader.end, edits }

  function passName(name: string): void {
    member = enter(open.at(-1)?.place ?? 'elsewhere', name)
  }

  function placeOfValue(): BundlePlace {
    const container = open.at(-1)
    if (container === undefined) return 'elsewhere'
    return container.isObject ? member : container.place
  }

  function judgeString(raw: string, at: number): void {
    const isCut = raw.length >= LONGEST_TEXT
    const text = decodeJsonText(raw)
    const place = placeOfValue()
    if (isEntryPlace(place)) {
      if (isCut) throw new BrokerError('body_invalid', { detail: 'an entry with a very long URL' })
      const sent = whose ? restoreEntry(place, text, whose) : text
      if (place === 'url' && entriesBelow !== undefined) verifyEntryUrl(sent, entriesBelow)
      if (sent !== text) edits.replace(at, at + raw.length, encodeJsonText(sent))
    } else if (whose !== undefined) {
      const length = measureOwnAddress(text, whose, isCut)
      if (length === 0) return
      base ??= encodeJsonText(whose.base)
      edits.replace(at, at + measureWritten('json', raw, length), base)
    }
  }
}
