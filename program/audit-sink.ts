// The one place where audit events go, from the configuration: opened once, and kept over reloads.

import { AuditFault } from '../src/audit/audit-fault.ts'
import { type TakenChain, takeChain } from '../src/audit/chain-lock.ts'
import { openDeliveredChain } from '../src/audit/delivered-chain.ts'
import type { DeliveryCounts, DeliveryFigures } from '../src/audit/delivery-figures.ts'
import { type FileSinkOptions, openFileSink } from '../src/audit/file-sink.ts'
import type { AuditSink } from '../src/audit/recorder.ts'
import { AuditRefusal } from '../src/audit/refusal.ts'
import { deriveSealKeys } from '../src/audit/seal-keys.ts'
import { createSealer, createSealJudge } from '../src/audit/seals.ts'
import { describeError } from '../src/error-description.ts'
import { within } from '../src/patience.ts'
import { buildSigningKeySet } from '../src/signing-keys.ts'
import { deliverLeftBehind } from './audit-left-behind.ts'
import { type AuditLogger, createDeliveryLog, createFaultLog, tellEnds } from './audit-log.ts'
import { type AuditPoster, createAuditPoster } from './audit-server.ts'
import type { AuditConfig, AuditServer } from './config/audit.ts'
import type { Config } from './config/load.ts'

type Settings = Pick<Config, 'audit' | 'keyRing'>

export interface AuditOutlet extends AuditSink {
  /** Of a sink that delivers to a server. */
  delivery?: DeliveryFigures
  /** Goes on with the keys and the server of another configuration. */
  renew(settings: Settings): void
}

export interface AuditSurroundings {
  logger: AuditLogger
  /** Writes a line to standard output; rejects where it is dropped. */
  append: (line: string) => Promise<void>
}

/** How long a reader of standard output may keep a line waiting. */
const READER_MS = 5_000
/** How long an ending goes on delivering; what is left is delivered after the next start. */
const FLUSH_MS = 3_000
const GATHER_MS = 20
/** How often what another process left behind is looked for. */
const LEFT_BEHIND_MS = 60_000

/**
 * Opens the sink; undefined where events go nowhere. Rejects with AuditRefusal, in one line, where it cannot
 * be used as it stands.
 */
export async function openAuditSink(
  { audit, keyRing }: Settings,
  surroundings: AuditSurroundings,
): Promise<AuditOutlet | undefined> {
  if (audit === undefined) return undefined
  if (audit.sink === 'stdout') return openOutput(surroundings)
  const chain = await take(audit.path)
  const open = audit.sink === 'file' ? openFile(audit) : openServer(audit)
  const opened = await refusing(chain, () => open({ chain, keyRing }, surroundings))
  let closing: Promise<void> | undefined
  return {
    ...opened,
    close() {
      closing ??= opened.close().finally(() => chain.release())
      return closing
    },
  }
}

function openOutput({ append }: AuditSurroundings): AuditOutlet {
  return {
    record: event =>
      new Promise((done, fail) => {
        const timer = setTimeout(() => fail(new AuditFault('AUDIT_UNREAD')), READER_MS).unref()
        append(`{"audit":${event}}\n`)
          .then(done, fail)
          .finally(() => clearTimeout(timer))
      }),
    close: async () => undefined,
    renew: () => undefined,
  }
}

interface Place {
  chain: TakenChain
  keyRing: Config['keyRing']
}

type FileConfig = Extract<AuditConfig, { path: string }>

function openFile(audit: FileConfig) {
  return async (place: Place, { logger }: AuditSurroundings): Promise<AuditOutlet> => {
    const sink = await openFileSink(fileOptions(audit, place, logger))
    const stopTelling = tellEnds(logger, place.chain.path, sink)
    return {
      record: sink.record,
      async close() {
        await sink.close()
        stopTelling()
      },
      renew: next => sink.adjust(adjustableOf(next)),
    }
  }
}

function openServer(audit: AuditServer) {
  return async (place: Place, { logger }: AuditSurroundings): Promise<AuditOutlet> => {
    let poster: AuditPoster = createAuditPoster(audit)
    let counts = nothingCounted()
    const log = createDeliveryLog(logger)
    let { keyRing } = place
    const open = (chain: TakenChain) =>
      openDeliveredChain({
        file: fileOptions(audit, { chain, keyRing }, logger),
        queueBytes: audit.queueBytes,
        delivery: {
          post: (events, signal) => poster.post(events, signal),
          onTaken(events) {
            counts.delivered += events
            log.noteTaken()
          },
          onRefused(refused) {
            counts.refused += refused.length
            log.noteRefused(chain.path, refused)
          },
          onFault(error) {
            counts.failed++
            log.noteFault(error)
          },
        },
      })
    const own = await open(place.chain)
    const stopTelling = tellEnds(logger, place.chain.path, own)
    const ending = new AbortController()
    let adopting: Promise<void> = Promise.resolve()
    const adopt = () => {
      adopting = adopting.then(() => deliverLeftBehind(audit.path, { open, ending, logger }))
    }
    const timer = setInterval(adopt, LEFT_BEHIND_MS).unref()
    adopt()
    return {
      record: own.record,
      async close() {
        clearInterval(timer)
        ending.abort()
        await adopting
        await within(FLUSH_MS, own.caughtUp())
        await own.close()
        stopTelling()
        await poster.close()
      },
      renew(next) {
        keyRing = next.keyRing
        own.adjust(adjustableOf(next))
        const before = poster
        if (next.audit?.sink === 'fhir') poster = createAuditPoster(next.audit)
        if (before !== poster) void before.close().catch(() => undefined)
      },
      delivery: {
        queueBytes: own.queued,
        takeCounts() {
          const taken = counts
          counts = nothingCounted()
          return taken
        },
      },
    }
  }
}

function nothingCounted(): DeliveryCounts {
  return { delivered: 0, refused: 0, failed: 0 }
}

/** Without failClosed nobody waits for an event, and one fsync serves more of them. */
function adjustableOf({ audit, keyRing }: Settings): Pick<FileSinkOptions, 'seal' | 'gatherMs'> {
  return {
    seal: createSealer(deriveSealKeys(keyRing)),
    gatherMs: audit?.failClosed ? 0 : GATHER_MS,
  }
}

function fileOptions(
  audit: FileConfig,
  { chain, keyRing }: Place,
  logger: AuditLogger,
): FileSinkOptions {
  const { path, rotateBytes, keep } = audit
  const sealKeys = deriveSealKeys(keyRing)
  return {
    ...{ path: chain.path, firstPath: path, rotateBytes, keep },
    ...adjustableOf({ audit, keyRing }),
    judge: createSealJudge(buildSigningKeySet(sealKeys).keys),
    onFault: createFaultLog(logger),
  }
}

async function take(path: string): Promise<TakenChain> {
  let taken: TakenChain | undefined
  try {
    taken = await takeChain(path)
  } catch (error) {
    throw describeRefusal(path, error)
  }
  if (taken === undefined) throw new AuditRefusal(`audit.path: ${path}: too many processes use it`)
  return taken
}

async function refusing<T>(chain: TakenChain, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    chain.release()
    throw describeRefusal(chain.path, error)
  }
}

function describeRefusal(path: string, error: unknown): unknown {
  if (error instanceof AuditRefusal) return error
  const { code } = describeError(error)
  if (code === undefined) return error
  return new AuditRefusal(`audit.path: ${path} cannot be written (${code})`)
}
