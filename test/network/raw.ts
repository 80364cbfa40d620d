// A raw TCP client: sends bytes as they are and gives the bytes that came back.

import { connect, type Socket } from 'node:net'

export interface RawClient {
  socket: Socket
  send(bytes: string | Uint8Array): void
  /** Everything received so far, as latin1. */
  received(): string
  /** Resolves when what was received matches, rejects when the connection ends without. */
  until(pattern: RegExp): Promise<string>
  /** Resolves when the connection is closed, with everything received. */
  closed(): Promise<string>
}

const MAX_TEXT = 64 * 1024 * 1024

/** Opens a connection to a port of this machine, from another address of it where one is given. */
export async function connectRaw(
  port: number,
  host = '127.0.0.1',
  localAddress?: string,
): Promise<RawClient> {
  const socket = connect({ port, host, localAddress })
  let text = ''
  let isClosed = false
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const check of waiting) check()
  }
  socket.on('data', chunk => {
    // What pours without end is read on, and not kept.
    if (text.length < MAX_TEXT) text += chunk.toString('latin1')
    wake()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    wake()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    send: bytes => socket.write(bytes as Uint8Array),
    received: () => text,
    until: pattern =>
      wait(
        () => pattern.test(text),
        () => isClosed,
      ),
    closed: () =>
      wait(
        () => isClosed,
        () => false,
      ),
  }

  function wait(isDone: () => boolean, isHopeless: () => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (isDone()) resolve(text)
        else if (isHopeless()) reject(new Error(`closed after: ${text.slice(0, 300)}`))
        else return
        waiting.delete(check)
      }
      waiting.add(check)
      check()
    })
  }
}

/** Sends one request that asks to close, and gives the whole answer. */
export async function exchangeRaw(port: number, bytes: string, host?: string): Promise<string> {
  const client = await connectRaw(port, host)
  client.send(bytes)
  return await client.closed()
}
