// Memory of the proxy while a gigabyte passes: to a reader of one megabyte a second, and to one that
// stops reading.

import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { residentMiB } from './processes.ts'

const BYTES_PER_SECOND = 1_000_000
const SLICE_MS = 50

/** How much the process grows, at most, while `seconds` of the answer are read at this pace. */
export async function growthWhileReading(
  pid: number,
  request: { url: string; headers: Record<string, string> },
  { seconds, stops }: { seconds: number; stops: boolean },
): Promise<number> {
  const { hostname, port, pathname, host } = new URL(request.url)
  const socket = connect(Number(port), hostname)
  const lines = Object.entries({ host, ...request.headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.on('error', () => undefined)
  socket.write(`GET ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
  await wait(500)
  const before = residentMiB(pid)
  let most = before
  socket.pause()
  for (let slice = 0; slice < (seconds * 1000) / SLICE_MS; slice++) {
    if (!stops) {
      for (let read = 0; read < (BYTES_PER_SECOND * SLICE_MS) / 1000; ) {
        const chunk: Buffer | null = socket.read()
        if (chunk === null) break
        read += chunk.length
      }
    }
    await wait(SLICE_MS)
    if (slice % 20 === 0) most = Math.max(most, residentMiB(pid))
  }
  socket.destroy()
  return most - before
}
