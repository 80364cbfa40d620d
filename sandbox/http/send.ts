// Writes an answer to its connection: HEAD without the body, streams with back-pressure, and a body
// that ends before its announced length by breaking the connection off.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Answer } from './answer.ts'

/** Sends an answer; a client that leaves early is no fault. */
export async function send(
  req: IncomingMessage,
  res: ServerResponse,
  { status, headers, body = '' }: Answer,
): Promise<void> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const length = bytes instanceof Uint8Array ? bytes.length : undefined
  const announced = Number(headers['content-length'] ?? length)
  res.writeHead(status, {
    ...headers,
    ...(Number.isNaN(announced) || status === 304 ? {} : { 'content-length': announced }),
  })
  if (req.method === 'HEAD' || status === 204 || status === 304) res.end()
  else if (length === undefined) await stream(bytes as AsyncIterable<Uint8Array>, res)
  else if (length < announced) res.write(bytes, () => res.destroy())
  else res.end(bytes)
}

async function stream(body: AsyncIterable<Uint8Array>, res: ServerResponse): Promise<void> {
  try {
    await pipeline(Readable.from(body, { objectMode: false }), res)
  } catch (error) {
    if (!res.destroyed) throw error
  }
}
