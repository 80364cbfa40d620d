// What Node tells of its process, whatever apps it has: what watches over it is begun once, and never ended.

import { collectDefaultMetrics, Registry } from '@prometheus-io/client'
import { type Measured, readMeasured } from './measured.ts'

let registry: Registry | undefined

/** Event loop, memory, CPU and handles of this process. */
export async function measureProcess(): Promise<Measured[]> {
  if (registry === undefined) {
    registry = new Registry()
    collectDefaultMetrics({ register: registry })
  }
  return await readMeasured(registry)
}
