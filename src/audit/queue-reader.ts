// Reading a chain as a queue: the events behind a line that was delivered, in order, over all files, and no
// further than what is on the disk. Nothing is kept in memory but what was not asked for yet of a file's part.

import { type FileHandle, open } from 'node:fs/promises'
import { AuditFault } from './audit-fault.ts'
import { type Head, readLine } from './chain.ts'
import { listAside } from './chain-files.ts'

/** An event that waits, with a name that it keeps however often it is read. */
export interface QueuedEvent {
  /** Where the line before it stands. */
  before: Head
  /** Hash of its line: fit for a FHIR id. */
  id: string
  /** JSON of the AuditEvent. */
  event: string
  /** What its line takes of the file, with the seals before it. */
  bytes: number
}

export interface QueueReader {
  /** The events up to a line, as many as have room; none where there is nothing more. */
  read(end: number, room: { events: number; bytes: number }): Promise<QueuedEvent[]>
  /** Where the last line that was read stands. */
  readonly at: Head
  /** Bytes read, those included that were passed over. */
  readonly bytes: number
  close(): Promise<void>
}

const PART = 256 * 1024

/** Begins behind a line; `onFault` hears of lines that cannot be read, and of a place that is not there. */
export function createQueueReader(
  path: string,
  start: Head,
  onFault: (error: unknown) => void,
): QueueReader {
  let at = start
  let bytes = 0
  let counted = 0
  let file: FileHandle | undefined
  let offset = 0
  let rest: Buffer = Buffer.alloc(0)

  return {
    get at() {
      return at
    },
    get bytes() {
      return bytes
    },
    async read(end, room) {
      const found: QueuedEvent[] = []
      let size = 0
      let openedAt: number | undefined
      while (at.count < end && found.length < room.events && size < room.bytes) {
        const text = await nextLine()
        if (text === undefined) {
          // At the end of a file that goes on in another one, unless that has been opened for it already.
          if (openedAt === at.count) break
          openedAt = at.count
          await openNext()
          continue
        }
        const line = readLine(text)
        if (line === undefined) {
          onFault(new AuditFault('AUDIT_QUEUE_BROKEN'))
          continue
        }
        if (line.head.count <= at.count) {
          prove(line.head)
          continue
        }
        at = line.head
        if (line.isSeal) continue
        const taken = bytes - counted
        counted = bytes
        found.push({ before: line.before, id: at.hash, event: line.content, bytes: taken })
        size += taken
      }
      // What is behind the end may be cut again: it is read when it counts.
      offset -= rest.length
      rest = Buffer.alloc(0)
      return found
    },
    close: async () => void (await file?.close()),
  }

  /** A place of another chain, of which this one has the name: everything is read. */
  function prove(head: Head): void {
    if (head.count !== at.count || head.hash === at.hash) return
    onFault(new AuditFault('AUDIT_QUEUE_BROKEN'))
    at = { count: 0, hash: '' }
    rest = Buffer.alloc(0)
    void file?.close()
    file = undefined
  }

  /** None where the file, or what of it is written, is at its end. */
  async function nextLine(): Promise<string | undefined> {
    for (;;) {
      const end = rest.indexOf(10)
      if (end >= 0) {
        const text = rest.toString('utf8', 0, end)
        rest = rest.subarray(end + 1)
        bytes += end + 1
        return text
      }
      if (file === undefined || !(await readPart(file))) return undefined
    }
  }

  async function readPart(from: FileHandle): Promise<boolean> {
    const part = Buffer.alloc(PART)
    const { bytesRead } = await from.read(part, 0, PART, offset)
    offset += bytesRead
    if (bytesRead > 0) rest = Buffer.concat([rest, part.subarray(0, bytesRead)])
    return bytesRead > 0
  }

  async function openNext(): Promise<void> {
    await file?.close()
    file = undefined
    offset = 0
    rest = Buffer.alloc(0)
    const aside = await findAside()
    file = await open(aside ?? path, 'r')
    // It may have been put aside in between, and another one begun under its name.
    if (aside === undefined && (await findAside())) await openNext()
  }

  async function findAside(): Promise<string | undefined> {
    return (await listAside(path)).find(({ last }) => last > at.count)?.path
  }
}
