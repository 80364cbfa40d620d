// What this process still holds once everything that can be forgotten is: the heap and its buffers. Unlike what
// the kernel counts, it does not depend on when the collector last came round.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of heap and buffers that something still refers to. */
export function measureHeld(): number {
  // What the first round finalizes, the second takes.
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
