// How a hostile EHR answers: a document, a status with bytes, or whatever a row does with the response.

import type { IncomingMessage, ServerResponse } from 'node:http'

export type Document = Record<string, unknown>

/** A row's own way to answer; it may write raw bytes to the response's socket. */
export type Manner = (request: IncomingMessage, response: ServerResponse) => unknown

export type Answer = Document | Manner

/** Sends a document, or lets the row answer. */
export function send(answer: Answer, request: IncomingMessage, response: ServerResponse): unknown {
  if (typeof answer === 'function') return (answer as Manner)(request, response)
  return json(answer)(request, response)
}

/** A document with another status. */
export function json(document: unknown, status = 200): Manner {
  return text(JSON.stringify(document), 'application/json', status)
}

/** Bytes with a type. */
export function text(
  body: string | Uint8Array,
  type = 'application/json',
  status = 200,
  headers: Record<string, string | string[]> = {},
): Manner {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': type, ...headers })
    response.end(body)
  }
}

/** A redirect, as 307: with its body. */
export function redirect(location: string, status = 307): Manner {
  return (_request, response) => {
    response.writeHead(status, { location })
    response.end()
  }
}

/** Bytes on the connection that no HTTP library would send, and its end unless it is to stay open. */
export function raw(bytes: string, staysOpen = false): Manner {
  return (_request, { socket }) => {
    socket?.write(Buffer.from(bytes, 'latin1'))
    if (!staysOpen) socket?.end()
  }
}

/** A head and then the same bytes, again and again, until nobody takes them or so many were sent. */
export function pour(piece: string, type: string, most = 64 * 1024 * 1024): Manner {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': type })
    const chunk = piece.repeat(Math.ceil(65_536 / piece.length))
    let sent = 0
    const more = () => {
      while (!response.destroyed && sent < most) {
        sent += chunk.length
        if (!response.write(chunk)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  }
}

/** A head and then one byte each second. */
export function drip(type: string): Manner {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': type })
    response.write('{')
    const timer = setInterval(() => response.write(' '), 1_000)
    response.on('close', () => clearInterval(timer))
  }
}
