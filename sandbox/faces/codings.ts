// Content codings that were not asked for, and values of Content-Encoding that are none.

import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { type Answer, withHeaders } from '../http/answer.ts'
import type { Face } from './face.ts'
import { bytesOf, type Change, inBothForms, inFhir } from './forms.ts'

const BOMB = 64 * 1024 * 1024

/** The answer coded, and labelled so; an answer without a body stays as it is. */
function coded(label: string, code: (bytes: Buffer) => Uint8Array): Change {
  return answer =>
    answer.body === undefined
      ? answer
      : { ...withHeaders(answer, { 'content-encoding': label }), body: code(bytesOf(answer)) }
}

const plain = (label: string) => coded(label, bytes => bytes)
const gzip = (bytes: Buffer) => gzipSync(bytes)

/** A document that is small on the way and far too large once it is read. */
function bomb(answer: Answer): Answer {
  const start = bytesOf(answer).subarray(0, -1)
  const bytes = Buffer.concat([start, Buffer.from(',"padding":"'), Buffer.alloc(BOMB, 'x')])
  return coded('gzip', gzip)({ ...answer, body: Buffer.concat([bytes, Buffer.from('"}')]) })
}

export const codingFaces: readonly Face[] = [
  ...inBothForms('gzip', 'Compressed with gzip, asked or not.', coded('gzip', gzip)),
  ...inBothForms('gzip-capitals', 'Compressed, and labelled GZIP.', coded('GZIP', gzip)),
  ...inBothForms('x-gzip', 'Compressed with gzip, under its old name.', coded('x-gzip', gzip)),
  ...inBothForms('deflate', 'Compressed with deflate.', coded('deflate', deflateSync)),
  ...inBothForms(
    'deflate-raw',
    'Compressed with deflate as some servers have it, without its header.',
    coded('deflate', deflateRawSync),
  ),
  ...inBothForms('br', 'Compressed with brotli.', coded('br', brotliCompressSync)),
  ...inBothForms(
    'gzip-twice',
    'Compressed twice.',
    coded('gzip, gzip', bytes => gzip(gzip(bytes))),
  ),
  ...inBothForms('coding-utf-8', 'Content-Encoding: utf-8, which is none.', plain('utf-8')),
  ...inBothForms('coding-empty', 'Content-Encoding without a value.', plain('')),
  ...inBothForms('coding-identity', 'Content-Encoding: identity.', plain('identity')),
  ...inBothForms('coding-unknown', 'A coding that nobody knows.', plain('squeeze')),
  ...inBothForms('gzip-lie', 'Labelled gzip, and not compressed.', plain('gzip')),
  ...inBothForms('gzip-bomb', '64 KB of gzip that unfold to 64 MB.', bomb),
  inFhir(
    'gzip-cut-fhir',
    'Compressed, and cut off in the middle.',
    coded('gzip', bytes => gzip(bytes).subarray(0, -12)),
  ),
]
