// Capability: nothing new is begun while the process has too little memory, so that what is under way comes to its
// end. Health and logouts are answered all the same. Refuses with `overloaded` (attacks DS5).

import { getHeapStatistics } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { defaultPressureLimits, type PressureLimits } from '../src/limits.ts'
import { aFunction, judgeOptions, optional } from '../src/plugin-terms.ts'
import { findPressure, type Memory } from '../src/pressure.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Is answered however little memory there is. */
    always?: boolean
  }
}

export interface PressureOptions extends Partial<PressureLimits> {
  /** What the process holds; its own measures unless told. */
  measure?: () => Memory
}

const LOOK_MS = 250
const RETRY_SECONDS = 5

async function pressure(app: FastifyInstance, options: PressureOptions): Promise<void> {
  judgeOptions('pressure', options, { measure: optional(aFunction) })
  const { measure = measureMemory, ...given } = options
  const limits = { ...defaultPressureLimits, ...given }
  let found = findPressure(measure(), limits)
  const timer = setInterval(() => {
    found = findPressure(measure(), limits)
  }, LOOK_MS).unref()
  app.addHook('onClose', async () => clearInterval(timer))

  app.addHook('onRequest', (request, _reply, done) => {
    if (found === undefined || request.routeOptions.config.always) return done()
    const detail = `too little memory: ${found}`
    done(new BrokerError('overloaded', { detail, retryAfterSeconds: RETRY_SECONDS }))
  })
}

function measureMemory(): Memory {
  const { used_heap_size: heap, heap_size_limit: heapLimit } = getHeapStatistics()
  return { resident: process.memoryUsage.rss(), heap, heapLimit }
}

export default fp(pressure, { name: 'fhirstorm-pressure', fastify: '5.x' })
