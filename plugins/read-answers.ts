// Capability: an answer of ours that is more than a socket holds, such as a file of the frontend, is read
// in time, because one that nobody reads holds a connection and a file. FHIR answers have the proxy's
// own limits (attacks R22, DS12).

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { type AnswerLimits, defaultAnswerLimits } from '../src/limits.ts'
import { judgeOptions } from '../src/plugin-terms.ts'

/** What a socket takes at once, in characters, whether it is read or not. */
const LARGE = 16 * 1024

async function readAnswers(
  app: FastifyInstance,
  options: Partial<AnswerLimits> = {},
): Promise<void> {
  judgeOptions('read-answers', options, {})
  const { stallMs = defaultAnswerLimits.stallMs, totalMs = defaultAnswerLimits.totalMs } = options

  app.addHook('onSend', async (request, reply, payload) => {
    if (isLarge(payload) && !request.routeOptions.config?.fhir) watch(reply, { stallMs, totalMs })
    return payload
  })
}

function isLarge(payload: unknown): boolean {
  return payload instanceof Readable || (typeof payload === 'string' && payload.length > LARGE)
}

function watch({ raw }: FastifyReply, { stallMs, totalMs }: AnswerLimits): void {
  const { socket } = raw
  if (!socket) return
  const end = () => socket.destroy()
  const timer = setTimeout(end, totalMs).unref()
  socket.setTimeout(stallMs, end)
  raw.once('close', () => {
    clearTimeout(timer)
    socket.off('timeout', end)
  })
}

export default fp(readAnswers, { name: 'fhirstorm-read-answers', fastify: '5.x' })
