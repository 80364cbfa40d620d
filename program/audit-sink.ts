// The one place where audit events go, from the configuration: opened once, and kept over reloads.

import { type FileSinkOptions, openFileSink } from '../src/audit/file-sink.ts'
import type { AuditSink } from '../src/audit/recorder.ts'
import { AuditRefusal } from '../src/audit/refusal.ts'
import { deriveSealKeys } from '../src/audit/seal-keys.ts'
import { createSealer, createSealJudge } from '../src/audit/seals.ts'
import { describeError } from '../src/error-description.ts'
import { buildSigningKeySet } from '../src/signing-keys.ts'
import type { Config } from './config/load.ts'

type Settings = Pick<Config, 'audit' | 'keyRing'>

export interface AuditOutlet extends AuditSink {
  /** Goes on with the keys of another configuration. */
  renew(settings: Settings): void
}

/**
 * Opens the sink; undefined where events go nowhere. Rejects with AuditRefusal, in one line, where it cannot
 * be used as it stands.
 */
export async function openAuditSink(
  settings: Settings & Pick<Config, 'processes'>,
): Promise<AuditOutlet | undefined> {
  const { audit, keyRing } = settings
  if (audit === undefined) return undefined
  if (audit.sink !== 'file') {
    throw new AuditRefusal(`audit.sink: events go to files alone, and not to ${audit.sink} yet`)
  }
  if (settings.processes !== 1) {
    throw new AuditRefusal('audit.sink: a file takes the events of one process alone yet')
  }
  const sealKeys = deriveSealKeys(keyRing)
  const sink = await openAt({
    ...{ path: audit.path, rotateBytes: audit.rotateBytes, keep: audit.keep },
    seal: createSealer(sealKeys),
    judge: createSealJudge(buildSigningKeySet(sealKeys).keys),
  })
  return {
    record: sink.record,
    close: sink.close,
    renew: next => sink.sealBy(createSealer(deriveSealKeys(next.keyRing))),
  }
}

async function openAt(options: FileSinkOptions) {
  try {
    return await openFileSink(options)
  } catch (error) {
    const { code } = describeError(error)
    if (error instanceof AuditRefusal || code === undefined) throw error
    throw new AuditRefusal(`audit.path: ${options.path} cannot be written (${code})`)
  }
}
