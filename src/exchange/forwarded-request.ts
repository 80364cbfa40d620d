// The last step of the flow: a FHIR request that was judged as a whole, with the session's bearer in it,
// and everything that its answer needs.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { ForwardLimits } from '../limits.ts'
import type { Answer, AnsweredHeaders, Asked } from '../proxy/answer.ts'
import type { ProxiedSession } from './proxied-session.ts'
import type { Running } from './running.ts'
import type { Place } from './shares.ts'
import type { Outlet, Sink } from './sinks.ts'

/** What the proxy's rules make of an answer. */
export interface AnswerRules {
  judge(asked: Asked, status: number, headers: AnsweredHeaders): Answer
  /** Where the body goes when it does not pass as it comes. */
  chooseSink(asked: Asked, answer: Answer, outlet: Outlet): Sink | undefined
}

/** A request that may be dispatched as it is: judged path, allowed headers, our bearer. */
export interface ForwardedRequest {
  pool: Dispatcher
  dispatch: Dispatcher.DispatchOptions
  open: ProxiedSession
  /** Among those in flight. */
  place: Place
  asked: Asked
  rules: AnswerRules
  limits: ForwardLimits
  running: Running
  request: IncomingMessage
  response: ServerResponse
  /** Taken over when the answer begins. */
  reply: { hijack(): unknown }
  /** Headers of ours that depend on the request, names and values in turn. */
  ownHeaders: readonly string[]
}
