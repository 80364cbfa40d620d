// One request to the FHIR server and its answer, straight into the client's response: back-pressure
// both ways, flat memory, and an end on both sides when either leaves or takes too long. Until the
// first byte of an answer everything is a coded refusal; after it the connection is cut, so that a
// broken answer never looks like a short one (attacks P19, P20, R7, R10-R14, R18, R22).

import type { Dispatcher } from 'undici'
import type { BrokerError } from '../errors.ts'
import { endedUsedConnection } from '../network/connection.ts'
import type { Answer, AnsweredHeaders } from '../proxy/answer.ts'
import { toBrokerError } from './failure.ts'
import { findOverdue, type Times } from './overdue.ts'
import type { ProxiedRequest, Watch } from './proxied-request.ts'
import type { ProxiedSession } from './proxied-session.ts'
import { Recorded } from './recorded.ts'
import type { Stream } from './running.ts'
import { becomeEvents, hold } from './shares.ts'
import type { Outlet, Sink } from './sinks.ts'
import { endEarly } from './upload.ts'

/**
 * `held back`: the EHR refused the token. `unanswered`: a connection that was used before ended without a
 * byte of an answer. `broken off`: one side left, and there is nobody to tell.
 */
export type ForwardOutcome = 'sent' | 'held back' | 'unanswered' | 'broken off'

/**
 * Dispatches the request and pipes the answer. Rejects with a BrokerError while nothing has been sent;
 * resolves when the response is closed, or when nothing of an answer has reached it.
 */
export function forward(
  proxied: ProxiedRequest,
  dispatch: Dispatcher.DispatchOptions,
  watch: Watch,
  pool: Dispatcher,
): Promise<ForwardOutcome> {
  if (proxied.response.destroyed) return Promise.resolve('broken off')
  const outcome = Promise.withResolvers<ForwardOutcome>()
  const handler = new Forward(proxied, watch, outcome)
  pool.dispatch(dispatch, proxied.record ? new Recorded(handler, proxied.record) : handler)
  return outcome.promise
}

type Controller = Dispatcher.DispatchController
const MAX_WAITING_BYTES = 128 * 1024

class Forward implements Dispatcher.DispatchHandler, Stream, Outlet, Times {
  readonly open: ProxiedSession
  place = -1
  private readonly proxied: ProxiedRequest
  private readonly watch: Watch
  private readonly outcome: PromiseWithResolvers<ForwardOutcome>
  readonly startedAt: number
  private controller: Controller | undefined
  answer: Answer | undefined
  private sink: Sink | undefined
  /** Its head waits until its first byte is decoded, so that what cannot be is still a refusal. */
  private untilDecoded: Answer | undefined
  /** Nothing more comes from the EHR. */
  private isOver = false
  seenAt: number
  waitingSince: number | undefined
  private isDrainHeard = false

  constructor(
    proxied: ProxiedRequest,
    watch: Watch,
    outcome: PromiseWithResolvers<ForwardOutcome>,
  ) {
    this.proxied = proxied
    this.watch = watch
    this.open = proxied.open
    this.outcome = outcome
    this.startedAt = watch.running.now
    this.seenAt = this.startedAt
    proxied.response.on('close', this.onClose)
    watch.running.add(this)
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.isOver) controller.abort(new Error('over before it began'))
  }

  onBodySent(): void {
    this.seenAt = this.watch.running.now
  }

  onResponseStart(controller: Controller, status: number, headers: AnsweredHeaders): void {
    if (this.isOver) return
    this.seenAt = this.watch.running.now
    if (status < 200) return
    if (status === 401) {
      this.leave()
      controller.abort(new Error('held back'))
      this.outcome.resolve('held back')
    } else {
      const { upstream } = this.proxied
      const { place } = this.watch
      const answer = upstream.judgeAnswer(this.proxied, status, headers)
      if (answer.isLive) becomeEvents(place)
      if (!hold(place, answer.collectedBytes)) answer.collectedBytes = undefined
      this.answer = answer
      this.sink = upstream.chooseSink(this.proxied, answer, this)
      if (answer.collectedBytes !== undefined || answer.told) return
      if (answer.codings.length > 0 && !answer.isLive) this.untilDecoded = answer
      else this.begin(answer)
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.isOver) return
    this.seenAt = this.watch.running.now
    if (this.sink === undefined ? this.write(chunk) : this.sink.push(chunk)) return
    this.waitingSince = this.seenAt
    controller.pause()
  }

  onResponseEnd(): void {
    if (this.isOver) return
    if (this.sink === undefined) this.finish('')
    else this.sink.end()
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.onError(error)
  }

  /** Lets a little wait for the client: to pause and resume the EHR for every piece costs more. */
  write(data: Buffer | string): boolean {
    const { response } = this.proxied
    if (this.untilDecoded) this.begin(this.untilDecoded)
    const hasRoom = response.write(data, 'latin1') || response.writableLength < MAX_WAITING_BYTES
    if (!hasRoom && !this.isDrainHeard) {
      this.isDrainHeard = true
      response.on('drain', this.onClientDrain)
    }
    return hasRoom
  }

  finish(text: string): void {
    if (this.isOver) return
    const { response, request } = this.proxied
    if (this.untilDecoded) this.begin(this.untilDecoded)
    this.isOver = true
    this.waitingSince = this.watch.running.now
    if (request.complete) {
      response.end(text, 'latin1')
    } else {
      response.write(text, 'latin1')
      endEarly(request, response)
    }
  }

  begin({ status, headers, isLive }: Answer): void {
    const { response, request, ownHeaders } = this.proxied
    this.untilDecoded = undefined
    headers.push(...ownHeaders)
    if (!request.complete) headers.push('connection', 'close')
    response.writeHead(status, headers)
    if (isLive) response.flushHeaders()
  }

  finishWhole(text: string): void {
    if (this.isOver || this.answer === undefined) return
    this.answer.headers.push('content-length', String(text.length))
    this.begin(this.answer)
    this.finish(text)
  }

  /** There is room for more of the EHR's bytes. */
  onDrain(): void {
    if (this.isOver) return
    this.waitingSince = undefined
    this.seenAt = this.watch.running.now
    this.controller?.resume()
  }

  /** Ends the upstream side, and tells the client as far as it still can be told. */
  onError(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.sink?.destroy?.()
    this.controller?.abort(error)
    const { response, request } = this.proxied
    if (response.headersSent || request.errored) {
      response.destroy()
    } else {
      this.leave()
      if (endedUsedConnection(error)) this.outcome.resolve('unanswered')
      else this.outcome.reject(toBrokerError(error))
    }
  }

  abort(error: BrokerError): void {
    if (this.isOver) this.proxied.response.destroy()
    else this.onError(error)
  }

  check(now: number): void {
    this.guard(() => {
      const overdue = findOverdue(this, this.watch.limits, now)
      if (overdue) this.abort(overdue)
    })
  }

  get isLive(): boolean {
    return this.answer?.isLive ?? false
  }

  private onClientDrain = (): void => {
    this.guard(() => {
      if (this.sink?.resume === undefined) {
        this.onDrain()
      } else {
        if (this.waitingSince !== undefined) this.waitingSince = this.watch.running.now
        this.sink.resume()
      }
    })
  }

  /** For steps that Node begins, with nobody above them: what they throw ends this exchange alone. */
  private guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.onError(error as Error)
    }
  }

  private onClose = (): void => {
    const isSent = this.isOver && this.proxied.response.writableFinished
    if (!this.isOver) {
      this.sink?.destroy?.()
      this.controller?.abort(new Error('the client left'))
    }
    this.isOver = true
    this.watch.running.delete(this)
    this.outcome.resolve(isSent ? 'sent' : 'broken off')
  }

  private leave(): void {
    const { response } = this.proxied
    this.isOver = true
    this.watch.running.delete(this)
    response.off('close', this.onClose)
    response.off('drain', this.onClientDrain)
  }
}
