// A chain that is delivered to a server: an event is recorded once it is in the file, and the file is the queue.
// What may wait there has a bound.

import { AuditFault } from './audit-fault.ts'
import { listAside, sizeOf } from './chain-files.ts'
import { type Delivery, type DeliveryOptions, startDelivery } from './delivery.ts'
import { type FileSink, type FileSinkOptions, openFileSink } from './file-sink.ts'

export interface DeliveredChainOptions {
  file: Omit<FileSinkOptions, 'mayLose' | 'onWritten'>
  delivery: Omit<DeliveryOptions, 'path' | 'end' | 'maxRefusedBytes' | 'onProgress'>
  /** Bytes that may wait, and as many again that were refused. */
  queueBytes: number
}

export interface DeliveredChain extends Omit<FileSink, 'prune' | 'bytes'> {
  /** Bytes that wait. */
  queued(): number
  caughtUp: Delivery['caughtUp']
}

/** Opens the chain, and begins to deliver what is in it. */
export async function openDeliveredChain(options: DeliveredChainOptions): Promise<DeliveredChain> {
  const { file, queueBytes } = options
  const { path } = file
  let delivery: Delivery | undefined
  const sink = await openFileSink({
    ...file,
    mayLose: () => delivery?.deliveredTo ?? 0,
    onWritten: () => delivery?.wake(),
  })
  const files = await sizesOf(path)
  const began = await startDelivery({
    ...options.delivery,
    ...{ path, end: () => sink.head.count, maxRefusedBytes: queueBytes },
    onProgress: () => void sink.prune().catch(options.delivery.onFault ?? (() => {})),
  })
  delivery = began
  const waiting = files.filter(({ last }) => last > began.deliveredTo)
  const before = waiting.reduce((sum, { size }) => sum + size, 0)
  const queued = () => Math.max(0, before + sink.bytes - began.bytes)

  return {
    get head() {
      return sink.head
    },
    cut: sink.cut,
    adjust: sink.adjust,
    queued,
    caughtUp: began.caughtUp,
    async record(event) {
      if (queued() >= queueBytes) throw new AuditFault('AUDIT_QUEUE_FULL')
      await sink.record(event)
    },
    async close() {
      await began.close()
      await sink.close()
    },
  }
}

async function sizesOf(path: string): Promise<{ last: number; size: number }[]> {
  const files = [...(await listAside(path)), { path, last: Number.POSITIVE_INFINITY }]
  return await Promise.all(
    files.map(async file => ({ last: file.last, size: await sizeOf(file.path) })),
  )
}
