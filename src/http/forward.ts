// One request to the FHIR server and its answer, streamed: written straight to the browser's socket,
// with back-pressure both ways, and aborted when either side leaves. Refuses before the first byte of
// an answer with a code; after it the connection is cut, so that a broken answer is never a short one
// (attacks P17-P20, R10-R14, R18, R22).

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { BrokerError } from '../errors.ts'

/** A request that may be dispatched as it is: judged path, allowed headers, our bearer. */
export interface ForwardedRequest {
  method: string
  path: string
  query: string
  headers: string[]
  body?: AsyncIterable<Uint8Array>
}

/** What becomes of an answer's head; an error refuses the answer before anything is sent. */
export interface AnswerPolicy {
  /** True to keep the answer back (a 401 that a new token may mend). */
  holdsBack(status: number): boolean
  buildHead(status: number, rawHeaders: readonly Buffer[]): { status: number; headers: string[] }
}

export interface ForwardLimits {
  /** Longest wait for a browser that does not read, in milliseconds. */
  stallMs: number
  /** Longest life of one answer, in milliseconds. */
  totalMs: number
}

export type ForwardOutcome = 'sent' | 'held back' | 'broken off'

/**
 * Dispatches the request and pipes the answer into `response`. Rejects with `upstream_unreachable`,
 * `upstream_timeout` or `upstream_broken` while nothing has been sent.
 */
export function forward(
  pool: Dispatcher,
  request: ForwardedRequest,
  response: ServerResponse,
  { policy, limits, begin }: { policy: AnswerPolicy; limits: ForwardLimits; begin: () => void },
): { done: Promise<ForwardOutcome>; abort: (reason: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<ForwardOutcome>()
  const handler = new Forward(response, policy, limits, begin, resolve, reject)
  pool.dispatch(
    {
      method: request.method as Dispatcher.HttpMethod,
      path: request.query === '' ? request.path : `${request.path}?${request.query}`,
      headers: request.headers,
      body: (request.body ?? null) as Dispatcher.DispatchOptions['body'],
    },
    handler,
  )
  return { done: promise, abort: reason => handler.abort(reason) }
}

type Controller = Dispatcher.DispatchController

class Forward implements Dispatcher.DispatchHandler {
  private controller: Controller | undefined
  private finished = false
  private holding = false
  private gone: Error | undefined
  private stalled: NodeJS.Timeout | undefined
  private total: NodeJS.Timeout | undefined
  private readonly response: ServerResponse
  private readonly policy: AnswerPolicy
  private readonly limits: ForwardLimits
  private readonly begin: () => void
  private readonly resolve: (outcome: ForwardOutcome) => void
  private readonly reject: (error: unknown) => void

  constructor(
    response: ServerResponse,
    policy: AnswerPolicy,
    limits: ForwardLimits,
    begin: () => void,
    resolve: (outcome: ForwardOutcome) => void,
    reject: (error: unknown) => void,
  ) {
    this.response = response
    this.policy = policy
    this.limits = limits
    this.begin = begin
    this.resolve = resolve
    this.reject = reject
    response.on('close', this.onClose)
    response.on('drain', this.onDrain)
  }

  abort(reason: Error): void {
    if (this.finished) return
    this.gone = reason
    this.controller?.abort(reason)
    if (!this.controller) this.fail(reason)
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.gone) controller.abort(this.gone)
  }

  onResponseStart(controller: Controller, statusCode: number): void {
    if (statusCode < 200) return
    if (this.policy.holdsBack(statusCode)) {
      this.holding = true
      return
    }
    const raw = (controller as Controller & { rawHeaders?: Buffer[] }).rawHeaders ?? []
    const { status, headers } = this.policy.buildHead(statusCode, raw)
    this.total = setTimeout(this.onTotal, this.limits.totalMs)
    this.begin()
    this.response.writeHead(status, headers)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.holding || this.response.write(chunk)) return
    controller.pause()
    this.stalled = setTimeout(this.onStall, this.limits.stallMs)
  }

  onResponseEnd(): void {
    if (this.finish()) {
      if (!this.holding) this.response.end()
      this.resolve(this.holding ? 'held back' : 'sent')
    }
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.fail(error)
  }

  private fail(error: Error): void {
    if (!this.finish()) return
    if (this.response.headersSent) {
      this.response.destroy()
      this.resolve('broken off')
    } else if (this.response.destroyed) {
      this.resolve('broken off')
    } else {
      this.reject(toBrokerError(this.gone ?? error))
    }
  }

  private finish(): boolean {
    if (this.finished) return false
    this.finished = true
    clearTimeout(this.stalled)
    clearTimeout(this.total)
    this.response.off('close', this.onClose)
    this.response.off('drain', this.onDrain)
    return true
  }

  private onClose = (): void => this.abort(new BrokerError('request_timeout', { detail: 'left' }))

  private onDrain = (): void => {
    clearTimeout(this.stalled)
    this.controller?.resume()
  }

  private onStall = (): void =>
    this.abort(new BrokerError('request_timeout', { detail: 'stalled' }))

  private onTotal = (): void => this.abort(new BrokerError('upstream_timeout'))
}

function toBrokerError(error: Error): BrokerError {
  if (error instanceof BrokerError) return error
  const { code = '' } = error as { code?: string }
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new BrokerError('upstream_timeout', { cause: error })
  }
  const unreachable =
    /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ADDRESS_REFUSED|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/
  return new BrokerError(unreachable.test(code) ? 'upstream_unreachable' : 'upstream_broken', {
    cause: error,
  })
}

export interface BodyLimits {
  maxBytes: number
  /** Longest pause between two pieces, in milliseconds. */
  idleMs: number
}

/** The browser's request body, counted and timed; throws `body_too_large` or `request_timeout`. */
export async function* readBody(
  request: IncomingMessage,
  { maxBytes, idleMs }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  let timer: NodeJS.Timeout | undefined
  const arm = () => {
    clearTimeout(timer)
    timer = setTimeout(() => request.destroy(new BrokerError('request_timeout')), idleMs)
  }
  arm()
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length
      if (bytes > maxBytes) throw new BrokerError('body_too_large')
      yield chunk as Buffer
      arm()
    }
  } finally {
    clearTimeout(timer)
  }
}
