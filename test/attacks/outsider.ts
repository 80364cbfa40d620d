// Whoever is outside: asks the target anything, byte for byte, with any cookies, and keeps every answer
// for the search for what must never leave.

import { type Line, openLine, type Peer, type Reply } from './socket.ts'

export type Fields = Readonly<Record<string, string | readonly string[]>>

export interface Ask {
  method?: string
  /** The request target as it stands on the line; below the public URL's path where it begins with `~`. */
  path: string
  headers?: Fields
  body?: string | Uint8Array
  /** Cookies by name; none unless told. */
  cookies?: ReadonlyMap<string, string>
  /** Host as it is sent; the target's own unless told, none where null. */
  host?: string | null
  withinMs?: number
}

export interface Outsider {
  ask(what: Ask): Promise<Reply>
  /** Bytes as they are on a connection of their own; the first answer. */
  exchange(bytes: string, withinMs?: number): Promise<Reply>
  /** A connection, for what takes several steps. */
  open(): Promise<Line>
  /** The request's bytes. */
  write(what: Ask): string
  /** Every answer so far. */
  heard: Reply[]
}

/** A cookie jar: takes what an answer sets, forgets what it clears. */
export class Jar {
  readonly cookies = new Map<string, string>()

  take({ headers }: Reply): void {
    for (const line of headers.get('set-cookie') ?? []) {
      const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
      const equals = pair.indexOf('=')
      const isOver = attributes.some(text => /^max-age=0$/i.test(text) || /1970/.test(text))
      if (isOver) this.cookies.delete(pair.slice(0, equals))
      else this.cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
  }
}

/** What a page of the app sends with a fetch. */
export const ownPage: Fields = {
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Dest': 'empty',
}

/** What a browser sends when somebody goes to a page. */
export const navigation: Fields = {
  Accept: 'text/html',
  'Sec-Fetch-Site': 'cross-site',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
}

const PATIENCE_MS = 30_000

/** An outsider who talks to one deployment; `prefix` is the path of its public URL. */
export function createOutsider(peer: Peer, prefix: string): Outsider {
  const heard: Reply[] = []
  const { host } = new URL(peer.origin)

  return { ask, exchange, open: () => openLine(peer), write, heard }

  async function ask(what: Ask): Promise<Reply> {
    return await exchange(write(what), what.withinMs)
  }

  async function exchange(bytes: string, withinMs = PATIENCE_MS): Promise<Reply> {
    const line = await openLine(peer)
    try {
      line.send(bytes)
      const [reply] = await line.replies(1, withinMs)
      heard.push(reply as Reply)
      return reply as Reply
    } finally {
      line.end()
    }
  }

  function write({ method = 'GET', path, headers = {}, body, cookies, host: sent = host }: Ask) {
    const target = path.startsWith('~') ? prefix + path.slice(1) : path
    const lines = [`${method} ${target} HTTP/1.1`]
    if (sent !== null) lines.push(`Host: ${sent}`)
    const names = Object.keys(headers).map(name => name.toLowerCase())
    for (const [name, value] of Object.entries(headers)) {
      for (const each of [value].flat()) lines.push(`${name}: ${each}`)
    }
    if (cookies && cookies.size > 0) {
      lines.push(`Cookie: ${[...cookies].map(pair => pair.join('=')).join('; ')}`)
    }
    const content = body === undefined ? '' : Buffer.from(body as string).toString('latin1')
    if (body !== undefined && !names.includes('content-length')) {
      if (!names.includes('transfer-encoding')) lines.push(`Content-Length: ${content.length}`)
    }
    if (!names.includes('connection')) lines.push('Connection: close')
    return `${lines.join('\r\n')}\r\n\r\n${content}`
  }
}

/** The first value of a header, or an empty text. */
export function headerOf({ headers }: Reply, name: string): string {
  return headers.get(name)?.[0] ?? ''
}
