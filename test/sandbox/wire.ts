// One HTTP exchange as it is on the wire: every header as it came, the body's bytes as they came, and
// the interim answers before.

import { Agent, type RequestOptions, request } from 'node:http'
import { buffer } from 'node:stream/consumers'

export interface Exchanged {
  status: number
  /** Values of a header, in the order in which they came. */
  header(name: string): string[]
  body: Buffer
  /** Statuses of the interim answers. */
  interim: number[]
  json<T = Record<string, unknown>>(): T
}

export interface Exchange extends RequestOptions {
  body?: string
}

/** Sends one request, on a connection of its own unless an agent is given. */
export async function exchange(url: string, options: Exchange = {}): Promise<Exchanged> {
  const { body, ...rest } = options
  const interim: number[] = []
  return await new Promise((resolve, reject) => {
    const sent = request(url, { agent: new Agent(), maxHeaderSize: 65_536, ...rest })
    sent.on('information', ({ statusCode }) => interim.push(statusCode))
    sent.on('error', reject)
    sent.on('response', response => {
      const { statusCode: status = 0, rawHeaders } = response
      buffer(response).then(bytes => {
        resolve({
          ...{ status, interim, body: bytes },
          header: name => valuesOf(rawHeaders, name),
          json: <T>() => JSON.parse(bytes.toString()) as T,
        })
      }, reject)
    })
    sent.end(body)
  })
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  )
}
