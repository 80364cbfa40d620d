// One EHR's FHIR server as the proxy sees it: where it lies, its connections, and the rules for its
// answers, each made once. One pool per registration: no connection, and so no answer,
// is ever shared between two (attacks P14, P26, DS5).

import type { Pool } from 'undici'
import { BrokerError } from '../errors.ts'
import type { ForwardLimits } from '../limits.ts'
import { createPool } from '../network/connect.ts'
import { type Answer, type AnsweredRequest, createAnswerJudge } from '../proxy/answer.ts'
import { createTagHabits, type TagHabits } from '../proxy/entity-tags.ts'
import { buildEhrAddress, createRewriting, rewriteDocument } from '../proxy/rewrite.ts'
import { buildUpstreamPath, parseUpstreamBase, type UpstreamBase } from '../proxy/target.ts'
import type { ProxiedEhr } from '../smart/types.ts'
import { createInflater } from './inflater.ts'
import type { ProxiedSession } from './proxied-session.ts'
import { createCollector, createRewriter, type Outlet, type Sink } from './sinks.ts'
import { createTranscoder, createUtf8Gate } from './transcoder.ts'
import { createTeller } from './untold.ts'

/** An EHR with nothing left out. */
type SettledEhr = ReturnType<typeof settle>

export interface Upstream {
  registration: SettledEhr
  base: UpstreamBase
  /** FHIR base URL without a trailing slash. */
  url: string
  pool: Pool
  /** The same with a new connection for each request. */
  freshPool: Pool
  /** It has ended a connection under a request: what must not be sent twice goes on new ones since. */
  dropsConnections: boolean
  limits: ForwardLimits
  /** What its entity tags are like, as its answers have shown. */
  tags: TagHabits
  judgeAnswer: ReturnType<typeof createAnswerJudge>['judge']
  /** Where an answer's body goes when it does not pass as it comes. */
  chooseSink(asked: AnsweredRequest, answer: Answer, outlet: Outlet): Sink | undefined
}

export interface Upstreams {
  /** The FHIR server of a session; `session_invalid` when its registration is gone or has moved. */
  of(open: ProxiedSession): Upstream
  /** Open connections, or requests that wait for one, by EHR. */
  count(what: 'connected' | 'pending'): Map<string, number>
  close(): Promise<void>
}

const KEEP_ALIVE_MS = 15_000
const UNTIMED = { headersTimeout: 0, bodyTimeout: 0 }

/** The FHIR servers of all registrations; connections are made when they are needed. */
export function createUpstreams(
  registrations: readonly ProxiedEhr[],
  limits: ForwardLimits & { collectBytes: number },
): Upstreams {
  const upstreams = new Map<string, Upstream>()
  for (const registration of registrations) {
    upstreams.set(registration.id, createUpstream(settle(registration), limits))
  }
  return {
    of({ session }) {
      const upstream = upstreams.get(session.ehr)
      if (upstream?.registration.iss !== session.iss) throw new BrokerError('session_invalid')
      return upstream
    },
    count(what) {
      const counts = new Map<string, number>()
      for (const [ehr, { pool, freshPool }] of upstreams) {
        counts.set(ehr, pool.stats[what] + freshPool.stats[what])
      }
      return counts
    },
    async close() {
      await Promise.all(
        [...upstreams.values()].flatMap(({ pool, freshPool }) => [
          pool.destroy(),
          freshPool.destroy(),
        ]),
      )
    },
  }
}

function settle({
  baseAliases = [],
  embedded = false,
  rewrite = true,
  upstreamCompression = 'identity',
  network = { reach: 'public' },
  ...rest
}: ProxiedEhr) {
  return { ...rest, baseAliases, embedded, rewrite, upstreamCompression, network }
}

function createUpstream(
  registration: SettledEhr,
  { collectBytes, ...limits }: ForwardLimits & { collectBytes: number },
): Upstream {
  const { iss, baseAliases, rewrite, firstByteSeconds } = registration
  const base = parseUpstreamBase(iss)
  const bases = [iss, ...baseAliases]
  const tags = createTagHabits()
  const { judge } = createAnswerJudge({ bases, rewrite, collectBytes, tags })
  const ehr = buildEhrAddress(bases)
  return {
    registration,
    base,
    url: base.origin + base.path,
    // Our own clock watches over the answers; how many there are at once is bounded by the caller,
    // because a pool with a bound of its own is lost after as many refused requests (attacks P29).
    pool: createPool(base.origin, registration, { ...UNTIMED, keepAliveTimeout: KEEP_ALIVE_MS }),
    freshPool: createPool(base.origin, registration, { ...UNTIMED, alwaysFresh: true }),
    dropsConnections: false,
    limits:
      firstByteSeconds === undefined ? limits : { ...limits, headMs: firstByteSeconds * 1000 },
    judgeAnswer: judge,
    tags,
    chooseSink,
  }

  function chooseSink(asked: AnsweredRequest, answer: Answer, outlet: Outlet): Sink | undefined {
    const sink =
      answer.told === undefined
        ? chooseReader(asked, answer, outlet)
        : createTeller(outlet, answer, told => chooseReader(asked, told, outlet))
    return answer.codings.length > 0 ? createInflater(outlet, sink, answer.codings) : sink
  }

  function chooseReader(asked: AnsweredRequest, answer: Answer, outlet: Outlet): Sink | undefined {
    const { document: kind, encoding } = answer
    const sink = chooseRewriter(asked, answer, outlet)
    if (sink === undefined || kind === undefined) return sink
    if (encoding === undefined) return createUtf8Gate(outlet, sink)
    return createTranscoder(outlet, sink, { encoding, kind })
  }

  function chooseRewriter(
    asked: AnsweredRequest,
    answer: Answer,
    outlet: Outlet,
  ): Sink | undefined {
    const { document, collectedBytes } = answer
    if (document === undefined || asked.method === 'HEAD') return undefined
    const rewritten = {
      ours: asked.ours,
      asked: base.origin + buildUpstreamPath(base, asked.target),
    }
    if (collectedBytes === undefined) {
      return createRewriter(outlet, createRewriting(document, ehr, rewritten))
    }
    const rewrite = (text: string) => rewriteDocument(document, text, ehr, rewritten)
    return createCollector(outlet, collectedBytes, rewrite)
  }
}
