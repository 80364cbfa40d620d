// A server with fhirstorm's routes that tests can prepare: which sessions there are, what the stream
// says, when it breaks. The real one is in test/browser/.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SessionDocument } from '../../client/document.ts'

export interface Prepared {
  url: string
  sessions: SessionDocument[]
  /** Answers before anything else where it gives a status. */
  answer: (path: string) => Answered | undefined
  /** How far the server's clock is ahead of this computer's, in milliseconds. */
  ahead: number
  asked: { method: string; path: string; headers: IncomingMessage['headers'] }[]
  /** Streams that are open. */
  readonly streams: number
  say(event: string, data: unknown): void
  cut(): void
  /** Ends the server; it can be started again at the same address. */
  stop(): Promise<void>
  start(): Promise<void>
}

interface Answered {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

/** Starts the server, on a port that stays its own. */
export async function startPrepared(): Promise<Prepared> {
  const streams = new Set<ServerResponse>()
  const server = createServer((request, response) => void serve(request, response))
  let port = 0
  const prepared: Prepared = {
    ...{ url: '', sessions: [], asked: [], ahead: 0, answer: () => undefined },
    get streams() {
      return streams.size
    },
    say(event, data) {
      for (const stream of streams) stream.write(format(event, data))
    },
    cut() {
      for (const stream of streams) stream.destroy()
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    async start() {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
      prepared.url = `http://127.0.0.1:${port}`
    },
  }
  await prepared.start()
  return prepared

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request
    prepared.asked.push({ method, path, headers })
    response.setHeader('date', new Date(Date.now() + prepared.ahead).toUTCString())
    const answer = prepared.answer(path)
    if (answer !== undefined) {
      response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body ?? {}))
    } else if (path === '/sessions/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(format('sessions', prepared.sessions))
      streams.add(response)
      response.on('close', () => streams.delete(response))
    } else if (path === '/logout') {
      prepared.sessions = []
      send(response, { endSessionUrls: ['https://ehr.example/end', 'javascript:alert(1)'] })
    } else if (method === 'DELETE') {
      prepared.sessions = prepared.sessions.filter(({ id }) => !path.endsWith(id))
      send(response, { endSessionUrl: null })
    } else {
      const one = prepared.sessions.find(({ id }) => path.startsWith(`/sessions/${id}`))
      send(response, one ?? prepared.sessions)
    }
  }
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function format(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
