// The servers that hold the ports, while one app after the other answers behind them: each new request goes to
// the app of now, and whoever came before is answered by the app that it met. Connections stay.

import { lookup } from 'node:dns/promises'
import { chmod } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { type AddressInfo, Server as SocketServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type ConnectionLimits, defaultConnectionLimits } from '../src/limits.ts'
import { type ConnectionServer, limitConnections } from './connections.ts'
import { buildServerSettings, type TlsPair } from './server.ts'
import { removeStale, SOCKET_MODE } from './socket-file.ts'

export type Place = { host: string; port: number } | { path: string }

export interface FrontOptions {
  trustedProxies: readonly string[]
  tls?: TlsPair
  limits?: Partial<ConnectionLimits>
}

export interface Front {
  /** Holds the place from now on; rejects as Node does. */
  listen(place: Place): Promise<void>
  /** Hands every new request to this app. */
  hand(app: FastifyInstance): void
  /** Takes another certificate, other proxies and other limits, for the connections to come. */
  renew(options: FrontOptions): void
  /** Resolves when this app has answered its last request but for streams of events, or after so long. */
  settled(app: FastifyInstance, withinMs: number): Promise<void>
  /** Takes no new connection; resolves when the open ones have ended, or after so long. */
  ebb(withinMs: number): Promise<void>
  /** Takes no new connection, and ends each one as soon as it has nothing under way. */
  stop(): void
  /** Cuts what is left. */
  close(): void
}

/** What Node tells a server, and Fastify listens for. */
const EVENTS = ['checkExpectation', 'connect', 'upgrade', 'clientError'] as const
const EVENTS_ALONE = /^text\/event-stream(?:;[^,]*)?$/i
const LOOK_MS = 50

/** Servers for one place; `localhost` is every address of that name. */
export function createFront({ tls, trustedProxies, limits: given }: FrontOptions): Front {
  const limits = { ...defaultConnectionLimits, ...given }
  const servers: (http.Server | https.Server)[] = []
  const renewals: ((options: FrontOptions) => void)[] = []
  const served = new WeakMap<FastifyInstance, Served>()
  const underWay = new Set<http.ServerResponse>()
  let current: Served | undefined
  let isStopped = false

  return {
    async listen(place) {
      const places = await spread(place)
      for (const one of places) await open(one)
    },
    hand(app) {
      current = served.get(app) ?? { app, underWay: 0 }
      served.set(app, current)
    },
    renew(options) {
      for (const renew of renewals) renew(options)
    },
    async settled(app, withinMs) {
      const until = performance.now() + withinMs
      while ((served.get(app)?.underWay ?? 0) > 0 && performance.now() < until) {
        await new Promise(done => setTimeout(done, LOOK_MS))
      }
    },
    async ebb(withinMs) {
      for (const response of underWay) response.shouldKeepAlive = false
      const late = new Promise(done => setTimeout(done, withinMs).unref())
      const ended = servers.map(server => new Promise(done => server.once('close', done)))
      // An HTTP server's own `close` would cut idle connections, on which a request may be on its way.
      for (const server of servers) SocketServer.prototype.close.call(server)
      await Promise.race([late, Promise.all(ended)])
    },
    stop() {
      isStopped = true
      // Whoever waits for an answer is told that the connection ends with it.
      for (const response of underWay) response.shouldKeepAlive = false
      for (const server of servers) {
        server.close()
        server.closeIdleConnections()
      }
    },
    close() {
      for (const server of servers) server.closeAllConnections()
    },
  }

  async function open(place: Place): Promise<void> {
    const settings = buildServerSettings(limits)
    const server = tls
      ? https.createServer({ ...settings.http, ...settings.tls, ...tls })
      : http.createServer(settings.http)
    servers.push(server)
    Object.assign(server, settings.server)
    const hold = limitConnections(server as ConnectionServer, limits, trustedProxies)
    renewals.push(next => {
      const changed = { ...defaultConnectionLimits, ...next.limits }
      hold(changed, next.trustedProxies)
      server.headersTimeout = changed.headersMs
      if (server instanceof https.Server && next.tls)
        server.setSecureContext({ ...settings.tls, ...next.tls })
    })
    server.on('request', pass)
    for (const event of EVENTS) {
      server.on(event, (...told: unknown[]) => current?.app.server.emit(event, ...told))
    }
    if ('path' in place) await removeStale(place.path)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(place, () => {
        server.off('error', reject)
        resolve()
      })
    })
    if ('path' in place) await chmod(place.path, SOCKET_MODE)
  }

  /** The second address of `localhost` gets the port of the first, where that was chosen by the system. */
  async function spread(place: Place): Promise<Place[]> {
    if ('path' in place || place.host !== 'localhost') return [place]
    const found = await lookup('localhost', { all: true })
    const [first = '127.0.0.1', ...others] = new Set(found.map(({ address }) => address))
    await open({ host: first, port: place.port })
    const bound = servers.at(-1)?.address() as AddressInfo | undefined
    return others.map(host => ({ host, port: bound?.port ?? place.port }))
  }

  function pass(request: http.IncomingMessage, response: http.ServerResponse): void {
    const met = current
    if (met === undefined) {
      request.socket.destroy()
      return
    }
    const counts = !isStream(request)
    if (counts) met.underWay++
    underWay.add(response)
    // What still comes on an open connection is answered, and that connection closed.
    const isLast = isStopped
    response.once('close', () => {
      if (counts) met.underWay--
      underWay.delete(response)
      if (isLast) request.socket.destroySoon()
    })
    met.app.server.emit('request', request, response)
  }
}

/** An app, and how many of its answers have not ended. */
interface Served {
  app: FastifyInstance
  underWay: number
}

/**
 * Streams of events have no end of their own; whoever listens comes again. Who would take anything else may be
 * about to get it.
 */
function isStream({ method, headers }: http.IncomingMessage): boolean {
  return method === 'GET' && EVENTS_ALONE.test(headers.accept ?? '')
}
