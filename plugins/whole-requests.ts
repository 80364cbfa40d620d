// Capability: requests are whole within a short time, because an unfinished one holds a connection.
// Only FHIR's may be slow: the proxy bounds them by idleness. An answer that comes before its request
// has ended ends the connection as well (attacks P18, DS12). Refuses with `request_timeout`.

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { hasBody } from '../src/exchange/request-body.ts'
import { lingering, streamBody } from '../src/exchange/upload.ts'
import { defaultConnectionLimits } from '../src/limits.ts'
import { judgeOptions } from '../src/plugin-terms.ts'
import type {} from './errors.ts'

export interface WholeRequestsOptions {
  /** Longest wait for the last byte of a request after its headers, in milliseconds. */
  requestMs?: number
}

async function wholeRequests(app: FastifyInstance, options: WholeRequestsOptions): Promise<void> {
  judgeOptions('whole-requests', options, {})
  const { requestMs = defaultConnectionLimits.requestMs } = options
  const limits = { maxBytes: Number.POSITIVE_INFINITY, idleMs: requestMs, totalMs: requestMs }

  app.addHook('preParsing', (request, _reply, payload, done) => {
    // Registered twice (in a server and in a part of it), it still watches once.
    if (!isUnfinished(request) || payload !== request.raw) {
      done(null, payload)
      return
    }
    const body = Readable.from(streamBody(request.raw, limits), { objectMode: false })
    // Whoever refuses a body before its end hears no more of it, nor does anybody else.
    done(
      null,
      body.on('error', () => {}),
    )
  })

  app.addHook('onSend', async (request, reply, payload) => {
    return isUnfinished(request) ? endConnection(request, reply, payload) : payload
  })
}

function isUnfinished({ raw, routeOptions }: FastifyRequest): boolean {
  return !routeOptions.config?.fhir && hasBody(raw) && !raw.complete
}

function endConnection(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  reply.header('connection', 'close')
  if (typeof payload !== 'string') return payload
  reply.header('content-length', Buffer.byteLength(payload))
  return Readable.from(lingering(payload, request.raw))
}

export default fp(wholeRequests, { name: 'fhirstorm-whole-requests', fastify: '5.x' })
