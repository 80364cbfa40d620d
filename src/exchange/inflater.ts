// An answer that came compressed, decoded piece by piece in flat memory and within a bound at each of its
// codings: what grows beyond all likelihood is a bomb (attack R15).

import { type Coding, createDecoder } from '../codings.ts'
import { BrokerError } from '../errors.ts'
import type { Outlet, Sink } from './sinks.ts'

const MAX_RATIO = 200
const FREE_BYTES = 4 * 1024 * 1024
/** What may stand behind the end of what was coded, as in padded archives. */
const MAX_PADDING_BYTES = 64 * 1024

interface Stage extends Sink {
  resume(): void
  destroy(): void
}

/** What the stages of one answer share. */
interface Work {
  /** Whether a stage may give so many bytes, for all that has come from the EHR. */
  isLikely(given: number): boolean
  fail(error: Error): void
}

/**
 * Undoes codings, given in the order in which they were applied, for another sink, or for the client
 * itself. An answer without a byte is what it is, whatever its head says.
 */
export function createInflater(
  outlet: Outlet,
  next: Sink | undefined,
  codings: readonly Coding[],
): Sink {
  const stages: Stage[] = []
  let received = 0
  let hasFailed = false
  const work: Work = {
    isLikely: given => given <= FREE_BYTES || given <= received * MAX_RATIO,
    fail(error) {
      if (hasFailed) return
      hasFailed = true
      destroy()
      outlet.onError(error)
    },
  }
  let outer: Sink = next ?? { push: outlet.write.bind(outlet), end: () => outlet.finish('') }
  // From the inside out: the coding that was applied last is undone first.
  for (const [index, coding] of codings.entries()) {
    const onRoom = () => (stages[index + 1] ? stages[index + 1]?.resume() : outlet.onDrain())
    const stage = createStage(coding, outer, { ...work, onRoom })
    stages.push(stage)
    outer = stage
  }
  return {
    push(chunk) {
      received += chunk.length
      return !hasFailed && outer.push(chunk)
    },
    end: () => outer.end(),
    resume: () => stages[0]?.resume(),
    destroy,
  }

  function destroy(): void {
    for (const stage of stages) stage.destroy()
  }
}

/** Undoes one coding; it has ended when both what was coded and the sender have. */
function createStage(
  coding: Coding,
  next: Sink,
  { isLikely, fail, onRoom }: Work & { onRoom: () => void },
): Stage {
  let decoder: ReturnType<typeof createDecoder> | undefined
  let given = 0
  let padding = 0
  let isDecoded = false
  let isSent = false

  return {
    push(chunk) {
      if (isDecoded) return skip(chunk)
      decoder ??= begin(chunk)
      return decoder.write(chunk)
    },
    end() {
      isSent = true
      if (decoder === undefined || isDecoded) next.end()
      else decoder.end()
    },
    resume: () => void decoder?.resume(),
    destroy: () => void decoder?.destroy(),
  }

  // The first bytes tell which of two kinds of deflate it is.
  function begin(start: Buffer) {
    return createDecoder(coding, start)
      .on('error', cause => fail(new BrokerError('upstream_encoding', { cause })))
      .on('data', chunk => guard(() => take(chunk)))
      .on('drain', () => guard(onRoom))
      .on('end', () => {
        isDecoded = true
        guard(() => (isSent ? next.end() : onRoom()))
      })
  }

  function take(chunk: Buffer): void {
    given += chunk.length
    if (!isLikely(given)) fail(refuse('inflates too far'))
    else if (!next.push(chunk)) decoder?.pause()
  }

  function skip(chunk: Buffer): boolean {
    padding += chunk.length
    if (padding > MAX_PADDING_BYTES) fail(refuse('goes on behind its end'))
    return true
  }

  // The decoder calls from the event loop, where nobody would catch what the next step throws.
  function guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      fail(error as Error)
    }
  }
}

function refuse(detail: string): BrokerError {
  return new BrokerError('upstream_encoding', { detail })
}
