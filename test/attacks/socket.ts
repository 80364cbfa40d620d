// An outsider's HTTP/1.1: one request on one connection, its bytes as they were written, so that nothing
// of an attack is made better on the way; and what came back, read strictly.

import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface Peer {
  /** Scheme, host and port. */
  origin: string
  /** Certificates to trust besides the system's; undefined takes any with `insecure`. */
  ca?: string
  insecure?: boolean
}

export interface Reply {
  /** 0 when nothing came that could be read as an answer. */
  status: number
  /** By lower-case name; one sent twice is there twice. */
  headers: ReadonlyMap<string, readonly string[]>
  body: Buffer
  text: string
  /** Whether head and body came to their end. */
  isWhole: boolean
  /** Everything that came on the connection, as latin1. */
  raw: string
}

export interface Line {
  send(bytes: string | Uint8Array): void
  /** Everything so far, as latin1. */
  received(): string
  /** Until the peer has closed, or so many milliseconds have passed. */
  closed(withinMs: number): Promise<boolean>
  /** Until so many answers are whole, the connection is closed, or the time is over. */
  replies(count: number, withinMs: number): Promise<Reply[]>
  end(): void
}

const CONNECT_MS = 10_000
const MAX_KEPT = 8 * 1024 * 1024

/** Opens a connection to the target. Rejects where nobody listens. */
export async function openLine({ origin, ca, insecure }: Peer): Promise<Line> {
  const { protocol, hostname, port } = new URL(origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  const place = { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) }
  const isTls = protocol === 'https:'
  const socket: Socket = isTls
    ? connectTls({ ...place, ca, servername: host, rejectUnauthorized: !insecure })
    : connectTcp(place)
  const chunks: Buffer[] = []
  let kept = 0
  let isClosed = false
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const check of [...waiting]) check()
  }
  socket.on('data', (chunk: Buffer) => {
    if (kept < MAX_KEPT) chunks.push(chunk)
    kept += chunk.length
    wake()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    wake()
  })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${origin} does not answer`)), CONNECT_MS)
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.once('error', error => {
      clearTimeout(timer)
      reject(error)
    })
  })
  const bytes = () => Buffer.concat(chunks)

  return {
    send(text) {
      if (!isClosed) socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
    },
    received: () => bytes().toString('latin1'),
    closed: withinMs =>
      wait(
        () => isClosed,
        () => isClosed,
        withinMs,
      ),
    replies(count, withinMs) {
      const read = () => readReplies(bytes(), count, isClosed)
      return wait(
        () => isClosed || read().filter(({ isWhole }) => isWhole).length >= count,
        read,
        withinMs,
      )
    },
    end: () => socket.destroy(),
  }

  function wait<T>(isDone: () => boolean, give: () => T, withinMs: number): Promise<T> {
    return new Promise(resolve => {
      const finish = () => {
        clearTimeout(timer)
        waiting.delete(check)
        resolve(give())
      }
      const check = () => void (isDone() && finish())
      const timer = setTimeout(finish, withinMs)
      waiting.add(check)
      check()
    })
  }
}

/** The answers in what came, at most so many; the last may not be whole. */
function readReplies(bytes: Buffer, count: number, isClosed: boolean): Reply[] {
  const replies: Reply[] = []
  for (let at = 0; replies.length < count && at < bytes.length; ) {
    const read = readReply(bytes, at, isClosed)
    replies.push(read.reply)
    if (!read.reply.isWhole) break
    at = read.end
  }
  return replies.length > 0 ? replies : [unreadable(bytes)]
}

function unreadable(bytes: Buffer): Reply {
  const text = bytes.toString('latin1')
  return { status: 0, headers: new Map(), body: bytes, text, isWhole: false, raw: text }
}

function readReply(bytes: Buffer, at: number, isClosed: boolean): { reply: Reply; end: number } {
  const headEnd = bytes.indexOf('\r\n\r\n', at)
  if (headEnd === -1) return { reply: unreadable(bytes.subarray(at)), end: bytes.length }
  const [first = '', ...lines] = bytes.toString('latin1', at, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0)
  if (status >= 100 && status < 200 && status !== 101) {
    return readReply(bytes, headEnd + 4, isClosed)
  }
  const headers = new Map<string, string[]>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  const content = readContent(bytes, headEnd + 4, { status, headers, isClosed })
  const { body, end, isWhole } = content
  const raw = bytes.toString('latin1', at, end)
  return { reply: { status, headers, body, text: body.toString(), isWhole, raw }, end }
}

function readContent(
  bytes: Buffer,
  from: number,
  { status, headers, isClosed }: Pick<Reply, 'status' | 'headers'> & { isClosed: boolean },
): { body: Buffer; end: number; isWhole: boolean } {
  if (status === 204 || status === 304) return { body: Buffer.alloc(0), end: from, isWhole: true }
  if (headers.get('transfer-encoding')?.[0] === 'chunked') return readChunks(bytes, from)
  const length = headers.get('content-length')?.[0]
  if (length === undefined) {
    return { body: bytes.subarray(from), end: bytes.length, isWhole: isClosed }
  }
  const end = from + Number(length)
  // To HEAD nothing more comes, and the connection is closed.
  const isWhole = bytes.length >= end || (isClosed && bytes.length === from)
  return { body: bytes.subarray(from, end), end: Math.min(end, bytes.length), isWhole }
}

function readChunks(bytes: Buffer, from: number): { body: Buffer; end: number; isWhole: boolean } {
  const parts: Buffer[] = []
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size =
      lineEnd === -1 ? Number.NaN : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size) || bytes.length < lineEnd + 2 + size + 2) {
      return { body: Buffer.concat(parts), end: bytes.length, isWhole: false }
    }
    if (size === 0) {
      const end = bytes.indexOf('\r\n', lineEnd + 2)
      return { body: Buffer.concat(parts), end: end + 2, isWhole: true }
    }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
