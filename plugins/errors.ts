// Capability: how refusals are told. On FHIR paths as OperationOutcome, on navigations as a small
// page, elsewhere as a problem document (RFC 9457); always with Proxy-Status (RFC 9209), a fixed text
// for the code, and nothing of the input or of a library's message (attacks G9).

import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type About, aboutOf, type ToldAbout } from '../src/about.ts'
import { buildFaultPage, type Look } from '../src/browser/page.ts'
import { chooseLanguage, describeFaultIn } from '../src/browser/page-words.ts'
import { buildLandingUrl } from '../src/browser/return-to.ts'
import { chooseStart } from '../src/browser/start-again.ts'
import { readCaller } from '../src/caller.ts'
import { describeError } from '../src/error-description.ts'
import { BrokerError } from '../src/errors.ts'
import { locateFault } from '../src/fault-site.ts'
import { toBrokerError } from '../src/framework-faults.ts'
import { buildLinkHeader } from '../src/link.ts'
import { tellId } from '../src/network/request-id.ts'
import { observerOf } from '../src/observer.ts'
import { anObject, aText, judgeOptions, listOfTexts, optional } from '../src/plugin-terms.ts'
import { buildOutcome, buildProxyStatus, buildRetryAfter } from '../src/proxy/outcome.ts'
import { createRoutePatterns } from '../src/route-patterns.ts'
import type {} from './tickets.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Refusals are OperationOutcomes. */
    fhir?: boolean
    /** Refusals are pages when a browser navigates. */
    page?: boolean
    /** Stands for the route in the log and in metrics, where its pattern says nothing. */
    label?: string
  }
}

export interface ErrorsOptions {
  /** Path that starts a login again; /login unless told. */
  loginPath?: string
  /** Registered names by id, for the page that says which EHR is at fault. */
  ehrNames?: ReadonlyMap<string, string>
  /** Whether what no route answers is told here; else it stays the host's. True unless told. */
  notFound?: boolean
  /** Origins that may frame the pages: those of EHRs that embed the app; none unless told. */
  frameAncestors?: readonly string[]
  /** How the pages look. */
  look?: Look
  /** Where the browser goes in place of a page of ours, with `error=CODE`; absolute. */
  errorUrl?: string
}

/** On FHIR paths these alone are pages: a file that is saved must not turn out to be one. */
const FOR_TABS: readonly string[] = ['navigation_refused', 'cross_site']

async function errors(app: FastifyInstance, options: ErrorsOptions): Promise<void> {
  judgeOptions('errors', options, {
    loginPath: optional(aText),
    frameAncestors: optional(listOfTexts),
    look: optional(anObject),
    errorUrl: optional(aText),
  })
  const { loginPath = '/login', ehrNames, frameAncestors = [], look, errorUrl } = options
  const observer = observerOf(app)
  const routes = createRoutePatterns()
  app.addHook('onRoute', ({ url, method, config }) => {
    const { fhir: isFhir = false, preflight: isForGuard } = config ?? {}
    if (isForGuard) return
    for (const name of [method].flat()) routes.add(url, { method: name, isFhir })
  })

  app.setErrorHandler((error, request, reply) => answer(toBrokerError(error), request, reply))

  if (options.notFound ?? true) app.setNotFoundHandler(answerNotFound)

  function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const methods = [...new Set(findRoutes(request).map(({ method }) => method))]
    const isOther = methods.length > 0 && !methods.includes(request.method)
    if (isOther) reply.header('allow', methods.join(', '))
    const code = isOther ? 'method_not_allowed' : 'not_found'
    return answer(new BrokerError(code), request, reply)
  }

  function findRoutes({ originalUrl }: FastifyRequest) {
    const [path = ''] = originalUrl.split('?', 1)
    return routes.find(path)
  }

  app.addHook('onRequest', (request, reply, done) => {
    if (!reply.hasHeader('x-request-id')) reply.header('x-request-id', tellId(request.id))
    done()
  })

  app.addHook('onResponse', (request, reply, done) => {
    // The proxy tells of its own answers, with what it knows of them.
    if (reply.smartFault !== undefined || !request.routeOptions.config?.fhir) {
      const { url = 'unknown', config } = request.routeOptions
      const about = tellAbout(request)
      observer.observe({
        method: request.method,
        route: config?.label ?? url,
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
        code: reply.smartFault?.code,
        ...about,
        detail: reply.smartFault?.detail ?? about.detail,
        ehr: reply.smartFault?.ehr ?? about.ehr,
        requestId: request.id,
        ...readCaller(request.headers),
      })
    }
    done()
  })
  // What was refused before anybody looked for its session or EHR: the request names them all the same.
  function tellAbout(request: FastifyRequest): ToldAbout {
    const noted = aboutOf(request)
    if (noted.ehr !== undefined) return noted
    const named = aboutOf({ smartAbout: readNamed(request) })
    return { ehr: named.ehr, session: noted.session ?? named.session }
  }

  function readNamed(request: FastifyRequest): About {
    const { id, ehr: asked } = (request.params ?? {}) as { id?: unknown; ehr?: unknown }
    const ehr = typeof asked === 'string' && ehrNames?.has(asked) ? asked : undefined
    const { server, routeOptions } = request
    const isOfSession = typeof id === 'string' || routeOptions.config?.fhir
    if (!isOfSession || !server.hasDecorator('smartTickets')) return { ehr }
    const named = typeof id === 'string' ? id : undefined
    const { ehr: ofTicket, recordId } = server.smartTickets.peek(request, named)
    return { ehr: ehr ?? ofTicket, recordId }
  }

  app.decorateReply('smartFault', undefined)
  if (!app.hasRequestDecorator('smartAbout')) app.decorateRequest('smartAbout', undefined)

  function answer(error: BrokerError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const config: Partial<FastifyContextConfig> = request.routeOptions.config ?? {}
    // A drain is no fault: it was asked for, and balancers look several times a minute.
    if (error.status >= 500 && error.code !== 'draining') {
      const at = error.code === 'internal' ? locateFault(error.cause) : undefined
      const { ehr, session } = tellAbout(request)
      request.log.warn(
        { err: describeError(error), at, ehr: error.ehr ?? ehr, session, reqId: request.id },
        'refused',
      )
    }
    reply.smartFault = error
    reply
      .code(error.status)
      .header('proxy-status', buildProxyStatus(error.code, error.status))
      .header('cache-control', 'no-store')
      .header('vary', 'Cookie')
    const { retryAfterSeconds: seconds } = error
    if (seconds !== undefined) reply.header('retry-after', buildRetryAfter(seconds))
    const links = buildLinkHeader(error.links ?? [])
    if (links !== undefined) reply.header('link', links)
    if (isOnFhirPath(request)) {
      const isForUser = FOR_TABS.includes(error.code) && isTab(request)
      return isForUser ? answerPage(error, request, reply) : answerOutcome(error, request, reply)
    }
    if (config.page ? wantsPage(request) : isTab(request)) {
      return answerPage(error, request, reply)
    }
    return reply.type('application/problem+json').send({
      type: 'about:blank',
      title: error.message,
      status: error.status,
      code: error.code,
      requestId: tellId(request.id),
      ...error.members,
    })
  }

  // What no route has taken, or was led aside, is told as at the routes that its address looks like.
  function isOnFhirPath(request: FastifyRequest): boolean {
    if (request.routeOptions.config?.fhir) return true
    const isRouted = !request.is404 && request.url === request.originalUrl
    return !isRouted && findRoutes(request).some(({ isFhir }) => isFhir)
  }

  function answerOutcome(error: BrokerError, request: FastifyRequest, reply: FastifyReply) {
    const outcome = buildOutcome(
      error.code,
      request.headers.accept,
      request.originalUrl,
      error.status,
    )
    return reply.type(outcome.contentType).send(outcome.body)
  }

  function answerPage(error: BrokerError, request: FastifyRequest, reply: FastifyReply) {
    if (errorUrl !== undefined && !isFor(errorUrl, request)) {
      return reply.redirect(buildLandingUrl(errorUrl, errorUrl, { error: error.code }), 303)
    }
    const ehrName = error.ehr === undefined ? undefined : ehrNames?.get(error.ehr)
    const language = chooseLanguage(request.headers['accept-language'])
    const message = describeFaultIn(language, error.code)
    const isForTab = error.code === 'cookie_missing' && isFramed(request)
    const page = buildFaultPage(
      {
        message,
        requestId: tellId(request.id),
        ehrName,
        isForTab,
        ...chooseStart(error, { loginPath, ehrNames }),
      },
      { frameAncestors, look, language },
    )
    return reply
      .header('vary', 'Cookie, Accept-Language')
      .header('content-security-policy', page.contentSecurityPolicy)
      .type('text/html; charset=utf-8')
      .send(page.html)
  }
}

/** Whether a request is already for that page: it would be led in a circle. */
function isFor(errorUrl: string, { originalUrl }: FastifyRequest): boolean {
  return originalUrl.split('?', 1)[0] === new URL(errorUrl).pathname
}

declare module 'fastify' {
  interface FastifyReply {
    smartFault: BrokerError | undefined
  }
  interface FastifyRequest {
    smartAbout?: About
  }
}

/** Somebody has opened the address, and would be shown nothing. */
function isTab({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-dest'] === 'document'
}

/** The page would be shown within another one, where browsers may keep no cookies. */
function isFramed({ headers }: FastifyRequest): boolean {
  return /^(?:i?frame|fencedframe|embed|object)$/.test(headers['sec-fetch-dest']?.toString() ?? '')
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-mode'] === 'navigate' || /\btext\/html\b/.test(headers.accept ?? '')
}

export default fp(errors, {
  name: 'fhirstorm-errors',
  fastify: '5.x',
})
