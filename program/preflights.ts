// Pre-flights of frontends at other origins, in an app of somebody else's: the guard answers them in a hook,
// which runs for no request that the host's own routes or its 404 take first.

import type { FastifyInstance, FastifySchema } from 'fastify'

// Documents that @fastify/swagger makes of the host leave it out.
const hidden = { hide: true } as FastifySchema

/**
 * Gives each route that this scope gets until `stop` is called an OPTIONS of its own, so that the guard's hook meets pre-flights at the
 * host's root and beside an `OPTIONS *` of the host's, as @fastify/cors has it. Any other OPTIONS goes where
 * it went without: to the 404.
 */
export function routePreflights(app: FastifyInstance): { stop(): void } {
  let isOver = false
  app.addHook('onRoute', ({ url, config, method }) => {
    const isAsked =
      !isOver && !config?.preflight && !config?.anyHost && ![method].flat().includes('OPTIONS')
    // The page and its files are read by nobody else, and `OPTIONS *` is the host's.
    const path = url.slice(app.prefix.length)
    if (!isAsked || ['', '/', '/*'].includes(path)) return
    if (app.hasRoute({ method: 'OPTIONS', url })) return
    app.options(path, { schema: hidden, config: { preflight: true } }, (_request, reply) =>
      reply.callNotFound(),
    )
  })
  return {
    stop() {
      isOver = true
    },
  }
}
