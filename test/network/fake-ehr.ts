// A FHIR server of raw bytes: records each request as it was sent, and answers with whatever bytes a
// test wants, however wrong.

import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

/** One request as it came over the wire. */
export interface EhrRequest {
  /** Request line and headers, latin1, without the empty line. */
  head: string
  method: string
  /** The request target. */
  path: string
  /** Names in lower case. */
  headers: [name: string, value: string][]
  socket: Socket
  /** The decoded body, when all of it has come; rejects when the connection ends before. */
  body(): Promise<string>
}

export type EhrHandler = (request: EhrRequest) => void | Promise<void>

export interface FakeEhr {
  origin: string
  requests: EhrRequest[]
  /** What the next requests are answered by. */
  handler: EhrHandler
  /** Connections that are open. */
  sockets: Set<Socket>
  close(): Promise<void>
}

/** Starts a server that answers with a Patient until it is given another handler; with TLS where told. */
export async function startFakeEhr(tls?: TlsOptions): Promise<FakeEhr> {
  const sockets = new Set<Socket>()
  const accept = (socket: Socket) => {
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, request => {
      ehr.requests.push(request)
      return ehr.handler(request)
    })
  }
  const server: Server = tls ? createTlsServer(tls, accept) : createServer(accept)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const ehr: FakeEhr = {
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests: [],
    handler: async request => {
      await request.body()
      answer(request, { body: '{"resourceType":"Patient"}' })
    },
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return ehr
}

/** Sends a plain answer with its length. */
export function answer(
  { socket }: EhrRequest,
  { status = 200, headers = {}, body = '' }: Answering = {},
): void {
  const lines = Object.entries({ 'content-type': 'application/fhir+json', ...headers })
  const bytes = Buffer.from(body)
  const head = [
    `HTTP/1.1 ${status} Answer`,
    ...lines.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}`),
    ...(status === 204 || status === 304 ? [] : [`content-length: ${bytes.length}`]),
  ]
  socket.write(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes]))
}

export interface Answering {
  status?: number
  /** An empty value leaves a header out. */
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/** The value of one header of a recorded request; undefined unless it was sent exactly once. */
export function headerOf({ headers }: EhrRequest, name: string): string | undefined {
  const values = headers.filter(([sent]) => sent === name).map(([, value]) => value)
  return values.length === 1 ? values[0] : undefined
}

function serve(socket: Socket, handle: EhrHandler): void {
  let bytes = Buffer.alloc(0)
  let wake = () => {}
  socket.on('data', chunk => {
    bytes = Buffer.concat([bytes, chunk])
    wake()
  })
  socket.on('close', () => wake())
  void serveAll().catch(() => socket.destroy())

  async function serveAll(): Promise<void> {
    for (;;) {
      const end = await find('\r\n\r\n')
      if (end === -1) return
      const head = take(end).toString('latin1')
      take(4)
      const request = parseHead(head, socket)
      let body: Promise<string> | undefined
      request.body = () => {
        body ??= readBody(request)
        return body
      }
      await handle(request)
      await request.body()
    }
  }

  async function readBody(request: EhrRequest): Promise<string> {
    const length = Number(headerOf(request, 'content-length') ?? 0)
    if (headerOf(request, 'transfer-encoding') !== 'chunked') {
      await has(length)
      return take(length).toString('latin1')
    }
    let text = ''
    for (;;) {
      const end = await find('\r\n')
      if (end === -1) throw new Error('cut off')
      const size = Number.parseInt(take(end).toString(), 16)
      await has(size + 4)
      take(2)
      text += take(size).toString('latin1')
      take(2)
      if (size === 0) return text
    }
  }

  function take(length: number): Buffer {
    const taken = bytes.subarray(0, length)
    bytes = bytes.subarray(length)
    return taken
  }

  async function find(mark: string): Promise<number> {
    while (!bytes.includes(mark) && !socket.destroyed) await more()
    return bytes.indexOf(mark)
  }

  async function has(length: number): Promise<void> {
    while (bytes.length < length && !socket.destroyed) await more()
    if (bytes.length < length) throw new Error('cut off')
  }

  function more(): Promise<void> {
    return new Promise(resolve => {
      wake = resolve
    })
  }
}

function parseHead(head: string, socket: Socket): EhrRequest {
  const [line = '', ...lines] = head.split('\r\n')
  const [method = '', path = ''] = line.split(' ')
  const headers = lines.map((text): [string, string] => {
    const colon = text.indexOf(':')
    return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()]
  })
  return { head, method, path, headers, socket, body: () => Promise.resolve('') }
}
