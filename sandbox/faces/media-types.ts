// Media types written otherwise than RFC 9110 has them, or not at all, and bodies in other charsets.

import type { Answer } from '../http/answer.ts'
import type { Face } from './face.ts'
import { bytesOf, type Change, inBothForms, inFhir } from './forms.ts'

/** The answer's header as `write` makes it of the right one, which is JSON; others stay. */
function labelled(write: (type: string) => string | string[] | undefined): Change {
  return answer => {
    const { 'content-type': type, ...headers } = answer.headers
    if (typeof type !== 'string' || !/json/.test(type)) return answer
    const written = write(type)
    return {
      ...answer,
      headers: written === undefined ? headers : { ...headers, 'content-type': written },
    }
  }
}

/** JSON in another charset, which its header names. */
function inCharset(charset: string, encode: (text: string) => Uint8Array): Change {
  const label = labelled(type => `${type.replace(/;.*/, '')}; charset=${charset}`)
  return answer =>
    isJson(answer) ? { ...label(answer), body: encode(String(bytesOf(answer))) } : answer
}

function isJson({ headers, body }: Answer): boolean {
  return body !== undefined && /json/.test(String(headers['content-type']))
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

export const mediaTypeFaces: readonly Face[] = [
  ...inBothForms(
    'type-semicolon',
    'application/json; charset=utf-8; with a semicolon at its end.',
    labelled(() => 'application/json; charset=utf-8;'),
  ),
  ...inBothForms(
    'type-twice',
    'The header twice, with one value.',
    labelled(type => [type, type]),
  ),
  ...inBothForms(
    'type-twice-listed',
    'The value twice in one header.',
    labelled(type => `${type}, ${type}`),
  ),
  ...inBothForms(
    'type-twice-different',
    'The header twice, first as text/html.',
    labelled(type => ['text/html', type]),
  ),
  ...inBothForms(
    'type-missing',
    'JSON without a media type.',
    labelled(() => undefined),
  ),
  ...inBothForms(
    'type-capitals',
    'Application/JSON; Charset=UTF-8.',
    labelled(() => 'Application/JSON; Charset=UTF-8'),
  ),
  ...inBothForms(
    'type-quoted',
    'The charset in quotation marks.',
    labelled(() => 'application/json;charset="utf-8"'),
  ),
  ...inBothForms(
    'type-text',
    'JSON as text/json.',
    labelled(() => 'text/json'),
  ),
  ...inBothForms(
    'type-word',
    'The media type is the word json.',
    labelled(() => 'json'),
  ),
  inFhir('charset-latin-1-fhir', 'JSON in ISO-8859-1.', inCharset('ISO-8859-1', latin1)),
  inFhir('charset-windows-1252-fhir', 'JSON in windows-1252.', inCharset('windows-1252', latin1)),
  inFhir('charset-utf-16-fhir', 'JSON in UTF-16, with its mark.', inCharset('utf-16le', utf16)),
  inFhir('charset-unknown-fhir', 'JSON in a charset that nobody knows.', answer =>
    labelled(() => 'application/fhir+json; charset=x-ours')(answer),
  ),
  ...inBothForms('utf-8-mark', 'UTF-8 with a byte order mark.', answer =>
    isJson(answer) ? { ...answer, body: `\ufeff${bytesOf(answer)}` } : answer,
  ),
]
