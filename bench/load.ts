// A load generator of raw sockets: as many requests as so many kept-alive connections carry, one after
// the other on each, timed to the microsecond. It costs little beside what it measures.

import { connect } from 'node:net'

export interface Load {
  url: string
  headers: Record<string, string>
  connections: number
  seconds: number
}

export interface LoadResult {
  answers: number
  seconds: number
  /** Milliseconds. */
  p50: number
  p99: number
}

/** A connection that its server has closed is made anew this often, over all connections. */
const MAX_RECONNECTIONS = 10_000

/** Runs the load; rejects when anything but a 200 comes back. */
export async function runLoad({ url, headers, connections, seconds }: Load): Promise<LoadResult> {
  const { host, pathname, search } = new URL(url)
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const bytes = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`)
  const startedAt = performance.now()
  const run: Run = { url, bytes, endsAt: startedAt + seconds * 1000, times: [], reconnections: 0 }
  await Promise.all(Array.from({ length: connections }, () => keepAsking(run)))
  const elapsed = (performance.now() - startedAt) / 1000
  const sorted = Float64Array.from(run.times).sort()
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  return { answers: sorted.length, seconds: elapsed, p50: at(0.5), p99: at(0.99) }
}

interface Run {
  url: string
  bytes: Buffer
  endsAt: number
  times: number[]
  reconnections: number
}

async function keepAsking(run: Run): Promise<void> {
  while (performance.now() < run.endsAt) {
    if (run.reconnections++ > MAX_RECONNECTIONS) throw new Error(`${run.url} keeps closing`)
    await askUntilClosed(run)
  }
}

/** One request after the other on one connection, until the time is over or the server closes it. */
function askUntilClosed({ url, bytes, endsAt, times }: Run): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let sentAt = 0
  let reader = createReader()

  socket.setNoDelay(true)
  socket.on('connect', send)
  socket.on('close', () => resolve())
  socket.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') reject(error)
  })
  socket.on('data', chunk => {
    const state = reader(chunk)
    if (state === 'open') return
    if (state === 'refused') {
      reject(new Error(`no 200 from ${url}: ${chunk.toString('latin1', 0, 200)}`))
      socket.destroy()
      return
    }
    const now = performance.now()
    times.push(now - sentAt)
    if (state === 'answered' && now < endsAt) send()
    else socket.destroy()
  })
  return promise

  function send(): void {
    reader = createReader()
    sentAt = performance.now()
    socket.write(bytes)
  }
}

type State = 'open' | 'answered' | 'answered for the last time' | 'refused'

const LENGTH = /\r\ncontent-length: (\d+)/i
const CLOSE = /\r\nconnection: close/i

/** Takes the pieces of one answer; tells when it is complete, and whether another may be asked for. */
function createReader(): (chunk: Buffer) => State {
  let isHead = true
  let atEnd: State = 'answered'
  /** Bytes of the body that are missing; undefined for a body in chunks. */
  let missing: number | undefined
  let tail = ''
  return chunk => {
    let size = chunk.length
    if (isHead) {
      const end = chunk.indexOf('\r\n\r\n')
      const head = chunk.toString('latin1', 0, Math.max(end, 0))
      if (!head.startsWith('HTTP/1.1 200')) return 'refused'
      const length = LENGTH.exec(head)?.[1]
      missing = length === undefined ? undefined : Number(length)
      if (CLOSE.test(head)) atEnd = 'answered for the last time'
      isHead = false
      size -= end + 4
    }
    if (missing !== undefined) {
      missing -= size
      return missing <= 0 ? atEnd : 'open'
    }
    tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 5))).slice(-5)
    return tail === '0\r\n\r\n' ? atEnd : 'open'
  }
}
