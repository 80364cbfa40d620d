// The product, and a word of how much it holds: on SIGWINCH everything that can be forgotten is collected, and
// what is left of heap and buffers is written out.

import { measureHeld } from '../world/held-memory.ts'

process.on('SIGWINCH', () => console.error(`holds ${measureHeld()} bytes`))
await import('../../program/main.ts')
