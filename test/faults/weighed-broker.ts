// The product, and a word of how much it holds: on SIGWINCH everything that can be forgotten is collected, and
// what is left of heap and buffers is written out.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
process.on('SIGWINCH', () => {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  console.error(`holds ${heapUsed + external} bytes`)
})
await import('../../program/main.ts')
