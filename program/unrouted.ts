// Requests that no route would see: targets the router cannot read, what Node's parser refuses, CONNECT,
// expectations nobody knows. All are refused in our own words, with nothing of the request in the
// answer, and are counted and logged like any other (attacks G9, P4, P5, P11).

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type {} from '../plugins/errors.ts'
import type {} from '../plugins/metrics.ts'
import { buildSecurityHeaders } from '../src/browser/security-headers.ts'
import { BrokerError, describeFault, type FaultCode } from '../src/errors.ts'
import { buildProxyStatus } from '../src/proxy/outcome.ts'

/** Where such requests are led. No file and no path of the product has a NUL in its name. */
const PLACES = {
  bad_request: '/\0bad-request',
  uri_too_long: '/\0uri-too-long',
  expectation_failed: '/\0expectation-failed',
} as const

const LINGER_MS = 1_000

/** Gives a server that has no routes yet its answers to requests that no route would see. */
export function answerTheUnrouted(app: FastifyInstance): void {
  for (const code of Object.keys(PLACES) as (keyof typeof PLACES)[]) {
    app.route({
      method: app.supportedMethods,
      url: PLACES[code],
      config: { page: true, label: 'unknown' },
      // The server gets its error handler later than these routes.
      errorHandler: (error, request, reply) => app.errorHandler(error, request, reply),
      handler() {
        throw new BrokerError(code)
      },
    })
  }
  app.server.on('connect', (_request, socket: Socket) => {
    // Node has taken its own listeners off.
    socket.on('error', () => socket.destroy())
    refuseOnSocket(app, socket, 'method_not_allowed')
  })
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    leadAside(app, request, response, 'expectation_failed')
  })
}

/**
 * Leads a request to a route that refuses it with the code, so that it meets the hooks of every
 * request; what it asked for stays in `originalUrl`.
 */
export function leadAside(
  app: FastifyInstance,
  request: IncomingMessage & { originalUrl?: string },
  response: ServerResponse,
  code: keyof typeof PLACES,
): void {
  request.originalUrl = request.url
  request.url = encodeURI(PLACES[code])
  app.routing(request, response)
}

/** Refuses, and closes the connection: what follows on it cannot be trusted to be a request. */
export function refuseOnSocket(app: FastifyInstance, socket: Socket, code: FaultCode): void {
  const { status, message } = describeFault(code)
  const requestId = (app as unknown as { genReqId(): string }).genReqId()
  const body = JSON.stringify({ type: 'about:blank', title: message, status, code, requestId })
  const headers = {
    ...buildSecurityHeaders({ frameAncestors: [], secure: false }),
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'proxy-status': buildProxyStatus(code),
    'x-request-id': requestId,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  socket.end([`HTTP/1.1 ${status} Refused`, ...lines, '', body].join('\r\n'))
  // A client that never closes its side does not keep the connection.
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
  if (app.hasDecorator('smartMetrics')) {
    app.smartMetrics.observe({
      ...{ method: 'unknown', route: 'unknown', status, milliseconds: 0, code, requestId },
    })
  }
}
