// Content codings as servers write them, whether they were asked for or not (RFC 9110 8.4): what can be
// undone is undone, and a word that names no coding means none. Pure but for the decoders' own buffers.

import { promisify } from 'node:util'
import * as zlib from 'node:zlib'

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

const MOST_CODINGS = 3
const known: ReadonlyMap<string, Coding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
])
/** The registered ones that nothing here can undo (IANA HTTP Content Coding Registry). */
const unreadable = new Set([
  ...['aes128gcm', 'compress', 'x-compress', 'dcb', 'dcz', 'exi', 'pack200-gzip'],
])
/** RFC 1950's header, which servers leave out that take RFC 1951 for `deflate`. */
const ZLIB_METHOD = 8
const NONE: readonly Coding[] = []

/**
 * The codings in a Content-Encoding, in the order in which they were applied; undefined where one of them
 * cannot be undone, or where there are more than three.
 */
export function readCodings(value: string | string[] | undefined): readonly Coding[] | undefined {
  if (value === undefined || value === '' || value === 'identity') return NONE
  const names = String(value)
    .split(',', MOST_CODINGS + 2)
    .map(name => name.trim().toLowerCase())
  const codings = names.flatMap(name => known.get(name) ?? [])
  if (names.some(name => unreadable.has(name))) return undefined
  return codings.length > MOST_CODINGS || names.length > MOST_CODINGS + 1 ? undefined : codings
}

/** A stream that undoes one coding; `start` is the beginning of what it will be given. */
export function createDecoder(coding: Coding, start: Uint8Array): zlib.Gunzip {
  return {
    gzip: zlib.createGunzip,
    deflate: hasHeader(start) ? zlib.createInflate : zlib.createInflateRaw,
    br: zlib.createBrotliDecompress,
    zstd: zlib.createZstdDecompress,
  }[coding]() as zlib.Gunzip
}

const decoders = {
  gzip: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  inflate: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflate),
  inflateRaw: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflateRaw),
  br: promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  zstd: promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress),
}

/**
 * Undoes all codings of a whole body. Rejects as node:zlib does, with ERR_BUFFER_TOO_LARGE for more than
 * `maxBytes` at any step.
 */
export async function decode(
  body: Buffer,
  codings: readonly Coding[],
  maxBytes: number,
): Promise<Buffer> {
  let decoded = body
  for (const coding of codings.toReversed()) {
    const name = coding !== 'deflate' ? coding : hasHeader(decoded) ? 'inflate' : 'inflateRaw'
    decoded = await decoders[name](decoded, { maxOutputLength: maxBytes })
  }
  return decoded
}

function hasHeader(start: Uint8Array): boolean {
  return ((start[0] ?? ZLIB_METHOD) & 0x0f) === ZLIB_METHOD
}
