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

/** What a decoder of HTTP has to be able to look back to is 8 MB (RFC 9659), however much a server asks for. */
const ZSTD = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } }

/** A stream that undoes one coding; `start` is the beginning of what it will be given. */
export function createDecoder(coding: Coding, start: Uint8Array): zlib.Gunzip {
  switch (coding) {
    case 'gzip':
      return zlib.createGunzip()
    case 'deflate':
      return (hasHeader(start) ? zlib.createInflate() : zlib.createInflateRaw()) as zlib.Gunzip
    case 'br':
      return zlib.createBrotliDecompress() as unknown as zlib.Gunzip
    case 'zstd':
      return zlib.createZstdDecompress(ZSTD) as unknown as zlib.Gunzip
  }
}

const decoders = {
  gzip: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  inflate: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflate),
  inflateRaw: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflateRaw),
  br: promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  zstd: promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress),
}

/**
 * Undoes all codings of a whole body; one that is empty stays empty, whatever it is said to be. Rejects as
 * node:zlib does, with ERR_BUFFER_TOO_LARGE for more than `maxBytes` at any step.
 */
export async function decode(
  body: Buffer,
  codings: readonly Coding[],
  maxBytes: number,
): Promise<Buffer> {
  let decoded = body
  for (const coding of codings.toReversed()) {
    if (decoded.length === 0) break
    const name = coding !== 'deflate' ? coding : hasHeader(decoded) ? 'inflate' : 'inflateRaw'
    const options = { ...(coding === 'zstd' && ZSTD), maxOutputLength: maxBytes }
    decoded = await decoders[name](decoded, options)
  }
  return decoded
}

function hasHeader(start: Uint8Array): boolean {
  return ((start[0] ?? ZLIB_METHOD) & 0x0f) === ZLIB_METHOD
}
