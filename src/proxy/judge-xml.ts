// The judge of XML bodies: every `value` and `url` attribute that is an address of ours, and what the
// entries of a batch ask for; wherever such an element stands, whatever its namespace. Pure: no I/O, no
// clock (attacks P12, P31, P32; requirements SC-22).

import { BrokerError } from '../errors.ts'
import { createEdits } from './edits.ts'
import {
  type BundlePlace,
  enter,
  isEntryPlace,
  restoreEntry,
  verifyEntryUrl,
} from './entry-urls.ts'
import type { Judge, JudgeRules } from './judge.ts'
import { measureOwnAddress } from './own-address.ts'
import { measureWritten } from './written.ts'
import { createXmlReader, LONGEST_VALUE } from './xml-reader.ts'
import { decodeXmlText, encodeXmlText } from './xml-text.ts'

/**
 * Makes a judge; with `patch`, of an XML patch, whose new values may stand in text (RFC 5261): an
 * address of ours there is refused, whosever it is. Refuses with `body_invalid` and `foreign_reference`.
 */
export function createXmlJudge(
  { whose, entriesBelow }: JudgeRules,
  { patch }: { patch: boolean },
): Judge {
  const edits = createEdits()
  let base: string | undefined
  const places: BundlePlace[] = []

  /** Of each open element of a patch the text so far. */
  const texts: string[] = []

  const reader = createXmlReader({
    open(name) {
      places.push(enter(places.at(-1) ?? 'elsewhere', name))
      texts.push('')
    },
    close() {
      places.pop()
      judgeText(texts.pop() ?? '')
    },
    wants: name => name === 'value' || (name === 'url' && whose !== undefined),
    value: judgeValue,
    text: patch && whose !== undefined ? addText : undefined,
  })
  return { push: reader.push, end: reader.end, edits }

  function addText(text: string): void {
    const known = texts.pop() ?? ''
    texts.push(known + text.slice(0, LONGEST_VALUE - known.length))
  }

  function judgeText(text: string): void {
    if (text === '' || whose === undefined) return
    // A reference may have become a character beyond latin1, and bytes may be those of one.
    for (const reading of [text, Buffer.from(text, 'latin1').toString()]) {
      if (measureOwnAddress(reading, whose, text.length >= LONGEST_VALUE) > 0) {
        throw new BrokerError('foreign_reference')
      }
    }
  }

  function judgeValue(raw: string, at: number): void {
    const isCut = raw.length >= LONGEST_VALUE
    const text = decodeXmlText(raw)
    const place = places.at(-1)
    if (entriesBelow !== undefined && isEntryPlace(place)) {
      if (isCut) throw new BrokerError('body_invalid', { detail: 'an entry with a very long URL' })
      const sent = whose ? restoreEntry(place, text, whose) : text
      if (place === 'url') verifyEntryUrl(sent, entriesBelow)
      if (sent !== text) edits.replace(at, at + raw.length, encodeXmlText(sent))
    } else if (whose !== undefined) {
      const length = measureOwnAddress(text, whose, isCut)
      if (length === 0) return
      if (isCut) throw new BrokerError('body_invalid', { detail: 'a very long address' })
      base ??= encodeXmlText(whose.base)
      edits.replace(at, at + measureWritten('xml', raw, length), base)
    }
  }
}
