// An answer of the EHR on its way to the exchange, recorded by its head. Where that takes a while the answer
// waits, and of one that may not be recorded nothing goes on.

import type { Dispatcher } from 'undici'
import type { AnsweredHeaders } from '../proxy/answer.ts'
import type { CallRecord } from './proxied-request.ts'

type Controller = Dispatcher.DispatchController

/** What takes the answer. */
export interface Receiver {
  onRequestStart(controller: Controller): void
  onBodySent(): void
  onResponseStart(controller: Controller, status: number, headers: AnsweredHeaders): void
  onResponseData(controller: Controller, chunk: Buffer): void
  onResponseEnd(): void
  /** Ends the exchange, and refuses with the error as long as it can. */
  onError(error: Error): void
}

/** Hands an answer on, once its head is recorded. */
export class Recorded implements Dispatcher.DispatchHandler {
  private readonly receiver: Receiver
  private readonly record: CallRecord
  private isHeld = false
  private hasEnded = false

  constructor(receiver: Receiver, record: CallRecord) {
    this.receiver = receiver
    this.record = record
  }

  onRequestStart(controller: Controller): void {
    this.receiver.onRequestStart(controller)
  }

  onBodySent(): void {
    this.receiver.onBodySent()
  }

  onResponseStart(controller: Controller, status: number, headers: AnsweredHeaders): void {
    // No answer yet, or one that the caller never gets.
    const isNone = status < 200 || status === 401
    const recorded = isNone ? undefined : this.record.answered(status, locationOf(headers))
    const begin = () => this.receiver.onResponseStart(controller, status, headers)
    if (recorded === undefined) begin()
    else void this.hold(recorded, begin, controller)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.receiver.onResponseData(controller, chunk)
  }

  onResponseEnd(): void {
    this.hasEnded = true
    if (!this.isHeld) this.receiver.onResponseEnd()
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.receiver.onError(error)
  }

  private async hold(
    recorded: Promise<void>,
    begin: () => void,
    controller: Controller,
  ): Promise<void> {
    this.isHeld = true
    controller.pause()
    try {
      await recorded
      this.isHeld = false
      begin()
      // Of an answer without a body, whose connection may be another request's by now.
      if (this.hasEnded) this.receiver.onResponseEnd()
      else controller.resume()
    } catch (error) {
      this.receiver.onError(error as Error)
    }
  }
}

/** Where the EHR says that what was written lies. */
function locationOf(headers: AnsweredHeaders): string | undefined {
  const location = headers.location ?? headers['content-location']
  return typeof location === 'string' ? location : undefined
}
