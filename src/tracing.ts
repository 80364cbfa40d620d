// Spans of requests and of calls to EHRs, by the API of OpenTelemetry alone. Where no SDK is registered there
// is nothing to do, and nothing is done. Attributes are the words of the log: no address, query or header.

import type * as Api from '@opentelemetry/api'
import { methodLabel } from './measures.ts'
import type { Call, CallEnd } from './observer.ts'

export type TracingApi = typeof Api

/** What is known of a request when its answer is over. */
export interface Answered {
  status: number
  requestId: string
  ehr?: string
  session?: string
  /** A code of ours. */
  code?: string
}

export interface Tracing {
  /** Begins the span of a request, and goes on within it. */
  begin(request: Asked, goOn: () => void): Api.Span
  /** Begins the span of a call within that of its request; to be told how it ended. */
  beginCall(call: Call): (end: CallEnd) => void
  /** Ends the span of a request. */
  end(span: Api.Span, answered: Answered): void
}

/** A request as its span may name it. */
export interface Asked {
  method: string
  /** Route pattern. */
  route: string
  headers: object
}

/** Whether an SDK would do anything with a span. */
export function hasSdk(api: TracingApi): boolean {
  const provider = api.trace.getTracerProvider() as Partial<Api.ProxyTracerProvider>
  return provider.getDelegate?.() !== new api.ProxyTracerProvider().getDelegate()
}

/**
 * Spans of an SDK. A caller's span is linked and is no parent: nobody outside decides what is sampled here
 * (attacks G6).
 */
export function createTracing(api: TracingApi): Tracing {
  const tracer = api.trace.getTracer('fhirstorm')
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode } = api

  return {
    begin({ method, route, headers }, goOn) {
      const caller = api.trace.getSpanContext(api.propagation.extract(ROOT_CONTEXT, headers))
      const name = methodLabel(method)
      const span = tracer.startSpan(
        `${name} ${route}`,
        {
          kind: SpanKind.SERVER,
          attributes: { 'http.request.method': name, 'http.route': route },
          links: caller === undefined ? [] : [{ context: caller }],
        },
        ROOT_CONTEXT,
      )
      api.context.with(api.trace.setSpan(ROOT_CONTEXT, span), goOn)
      return span
    },
    end(span, { status, requestId, ehr, session, code }) {
      span.setAttribute('http.response.status_code', status)
      span.setAttribute('fhirstorm.request_id', requestId)
      if (ehr !== undefined) span.setAttribute('fhirstorm.ehr', ehr)
      if (session !== undefined) span.setAttribute('fhirstorm.session', session)
      if (status >= 500) {
        span.setAttribute('error.type', code ?? String(status))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
    beginCall({ ehr, kind, method }) {
      const name = methodLabel(method)
      const attributes = {
        ...{ 'http.request.method': name, 'fhirstorm.ehr': ehr, 'fhirstorm.call': kind },
      }
      const span = tracer.startSpan(`${name} ${kind}`, { kind: SpanKind.CLIENT, attributes })
      return ({
        status,
        error = status !== undefined && status >= 400 ? `${status}` : undefined,
      }) => {
        if (status !== undefined) span.setAttribute('http.response.status_code', status)
        if (error !== undefined) {
          span.setAttribute('error.type', error)
          span.setStatus({ code: SpanStatusCode.ERROR })
        }
        span.end()
      }
    },
  }
}
