// Request bodies, read into memory with a limit; and a request to hand on whose body was read.

import { IncomingMessage } from 'node:http'

const MAX_BYTES = 20 * 1024 * 1024

/** The whole body; undefined when it is larger than 20 MiB. */
export async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of req) {
    length += chunk.length
    if (length > MAX_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The request as it would have come with this method, target and body. */
export function replayRequest(
  req: IncomingMessage,
  { method = req.method, url = req.url, body }: { method?: string; url?: string; body?: Buffer },
): IncomingMessage {
  const copy = Object.assign(new IncomingMessage(req.socket), {
    method,
    url,
    httpVersion: req.httpVersion,
    httpVersionMajor: req.httpVersionMajor,
    httpVersionMinor: req.httpVersionMinor,
    // It has come whole: else its end would be taken for a broken connection.
    complete: true,
  })
  const { 'transfer-encoding': _, ...headers } = req.headers
  copy.headers = { ...headers, 'content-length': String(body?.length ?? 0) }
  if (body?.length) copy.push(body)
  copy.push(null)
  return copy
}
