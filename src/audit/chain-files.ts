// The files of a chain on the disk: PATH, which is written; PATH.NUMBER, those that were put aside, each named by
// its last line; PATH.head. And the chains side by side, one for each process: audit.ndjson, audit.1.ndjson, ….

import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname } from 'node:path'

/** More processes than one machine has. */
export const MOST_CHAINS = 256

/** The path of the chain with this number, counted from 0. */
export function chainPath(path: string, number: number): string {
  if (number === 0) return path
  const end = extname(path)
  return `${path.slice(0, path.length - end.length)}.${number}${end}`
}

/** How many chains there are: the highest number that has any file, and one. */
export async function countChains(path: string): Promise<number> {
  const names = new Set(await readdir(dirname(path)))
  for (let number = MOST_CHAINS - 1; number >= 0; number--) {
    const name = basename(chainPath(path, number))
    if (names.has(name) || names.has(`${name}.head`)) return number + 1
  }
  return 0
}

/** A file that was put aside. */
export interface Aside {
  path: string
  /** Number of its last line. */
  last: number
}

/** The files that were put aside, the oldest first. */
export async function listAside(path: string): Promise<Aside[]> {
  const name = basename(path)
  return (await readdir(dirname(path)))
    .filter(other => other.startsWith(`${name}.`))
    .map(other => other.slice(name.length + 1))
    .filter(rest => /^[1-9]\d{0,14}$/.test(rest))
    .map(rest => ({ path: `${path}.${rest}`, last: Number(rest) }))
    .sort((a, b) => a.last - b.last)
}

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(({ size }) => size, ignoreAbsent(0))
}

/** A line with the bytes that it takes, its end included; `isTorn` where it has none. */
export interface FileLine {
  text: string
  bytes: number
  isTorn: boolean
}

/** The lines of a file; none where there is no file. */
export async function* readLines(path: string): AsyncGenerator<FileLine> {
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, part]) : (part as Buffer)
      let begin = 0
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
        yield { text: bytes.toString('utf8', begin, end), bytes: end + 1 - begin, isTorn: false }
        begin = end + 1
      }
      rest = bytes.subarray(begin)
    }
  } catch (error) {
    ignoreAbsent(undefined)(error as NodeJS.ErrnoException)
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), bytes: rest.length, isTorn: true }
}

/** Waits until the names in a file's folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}

function ignoreAbsent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code !== 'ENOENT') throw error
    return value
  }
}
