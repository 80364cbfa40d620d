// A FHIR request on its way to the EHR, from the judged target to the closed response. Types only.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ForwardLimits } from '../limits.ts'
import type { AnsweredRequest } from '../proxy/answer.ts'
import type { ProxiedSession } from './proxied-session.ts'
import type { Running } from './running.ts'
import type { Place } from './shares.ts'
import type { Upstream } from './upstream.ts'

/** Who records what becomes of a request. What they give is to be waited for; where it rejects nothing goes on. */
export interface CallRecord {
  /** Before the request is sent. */
  intend(): Promise<void> | undefined
  /** With the head of the EHR's answer, before anything of it is sent on. */
  answered(status: number, location: string | undefined): Promise<void> | undefined
}

export interface ProxiedRequest extends AnsweredRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly open: ProxiedSession
  readonly upstream: Upstream
  /** It came by `/fhir`, without its session in the path. */
  readonly byAlias: boolean
  /** Registration id, where it came by the façade. */
  readonly byFacade?: string
  /** Headers of ours for the answer, names and values in turn. */
  readonly ownHeaders: readonly string[]
  record?: CallRecord
  /** Text of a form that was read whole, where there is a record. */
  form?: string
}

/** What watches over it while it is under way. */
export interface Watch {
  /** Among those in flight. */
  place: Place
  running: Running
  limits: ForwardLimits
}
