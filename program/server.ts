// The HTTP server that carries the product: limits of Node's parser, request ids, the one address
// rule for proxies in front, refusals of requests that no route ever sees.

import { randomBytes } from 'node:crypto'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import wholeRequests from '../plugins/whole-requests.ts'
import type { FaultCode } from '../src/errors.ts'
import { type ConnectionLimits, defaultConnectionLimits } from '../src/limits.ts'
import { type ConnectionServer, limitConnections } from './connections.ts'
import { answerTheUnrouted, leadAside, refuseOnSocket } from './unrouted.ts'

export interface ServerOptions {
  logger: FastifyBaseLogger
  /** Addresses and CIDR ranges of proxies in front; never `true` or a number (attacks AD4). */
  trustedProxies: readonly string[]
  tls?: TlsPair
  /** Its requests come from a front that holds the port; it never listens itself. */
  isBehindFront?: boolean
  /** Longest wait for answers under way when the server closes, in milliseconds; then they are cut. */
  drainMs?: number
  limits?: Partial<ConnectionLimits>
}

export interface TlsPair {
  cert: string
  key: string
}

const MAX_HEADER_BYTES = 16 * 1024
const MAX_TARGET_BYTES = 8 * 1024
/** How often connections are looked through for requests that take too long. */
const WATCH_MS = 2_000
const KEEP_ALIVE_MS = 65_000
const MAX_REQUESTS_PER_SOCKET = 10_000
const DRAIN_MS = 25_000

/** What every server of the product is held to, for Node's constructors and as its properties. */
export function buildServerSettings({ headersMs, handshakeMs }: ConnectionLimits) {
  return {
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headersMs,
      connectionsCheckingInterval: Math.min(WATCH_MS, headersMs),
      insecureHTTPParser: false,
      // The guard says so in our words.
      requireHostHeader: false,
      // An offer to change the protocol is not taken up.
      shouldUpgradeCallback: () => false,
    },
    tls: { minVersion: 'TLSv1.2' as const, handshakeTimeout: handshakeMs },
    server: {
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxRequestsPerSocket: MAX_REQUESTS_PER_SOCKET,
      // Bodies have their own limits, because those of FHIR requests may take long.
      requestTimeout: 0,
    },
  }
}

/** A Fastify instance with no route in it yet but for what none would answer. */
export function createServer(options: ServerOptions): FastifyInstance {
  const limits = { ...defaultConnectionLimits, ...options.limits }
  const { http, tls, server } = buildServerSettings(limits)
  const app = fastify({
    ...(options.isBehindFront
      ? { serverFactory: (handler: RequestListener) => createHttpServer(handler) }
      : options.tls
        ? { https: { ...http, ...options.tls, ...tls } }
        : { http }),
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // Requests have no logger of their own: a refusal names its request.
    childLoggerFactory: logger => logger,
    genReqId: numberRequests(),
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    exposeHeadRoutes: false,
    bodyLimit: 64 * 1024,
    ...server,
    // What still comes on an open connection is answered, and that connection closed.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_TARGET_BYTES, caseSensitive: true },
    frameworkErrors: ({ code }, request, reply) => {
      const isLong = code === 'FST_ERR_MAX_PARAM_LENGTH'
      leadAside(app, request.raw, reply.raw, isLong ? 'uri_too_long' : 'bad_request')
    },
    clientErrorHandler,
  }) as unknown as FastifyInstance
  app.register(wholeRequests, { requestMs: limits.requestMs })
  answerTheUnrouted(app)
  if (!options.isBehindFront) {
    limitConnections(app.server as ConnectionServer, limits, options.trustedProxies)
    endConnectionsOnClose(app, options.drainMs ?? DRAIN_MS)
  }
  return app
}

// Connections that are idle when the server closes are ended by it; those that have work then would
// stay open, waiting for more, until they time out, and answers without an end for ever.
function endConnectionsOnClose(app: FastifyInstance, drainMs: number): void {
  let isClosing = false
  app.addHook('preClose', done => {
    isClosing = true
    setTimeout(() => app.server.closeAllConnections(), drainMs).unref()
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    if (isClosing) request.raw.socket.destroySoon()
    done()
  })
}

/** Ids that are unique among all instances, and cost nothing: a random word and a number. */
function numberRequests(): () => string {
  const word = randomBytes(9).toString('base64url')
  let count = 0
  return () => `${word}-${(++count).toString(36)}`
}

const parserFaults: Record<string, FaultCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

// Whoever broke off, or has not come so far as to speak HTTP, is told nothing.
function clientErrorHandler(
  this: FastifyInstance,
  { code: name = '' }: Error & { code?: string },
  socket: Socket,
): void {
  if (!/^(?:HPE_|ERR_HTTP_)/.test(name) || !socket.writable) socket.destroy()
  else refuseOnSocket(this, socket, parserFaults[name] ?? 'bad_request')
}
